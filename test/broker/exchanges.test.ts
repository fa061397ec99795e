import { testExchanges } from './cases/run-exchanges.ts';
import { useSuite } from './suite.ts';

testExchanges(useSuite());
