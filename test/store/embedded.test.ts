import { storeContracts } from './contracts/index.ts';
import { embeddedTables } from './endpoint.ts';
import { openWorld } from './world.ts';

storeContracts('embedded engine', () => openWorld(embeddedTables));
