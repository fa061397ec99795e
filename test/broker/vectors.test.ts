import { testVectors } from './cases/run-vectors.ts';
import { useSuite } from './suite.ts';

testVectors(useSuite());
