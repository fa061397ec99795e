import { storeContracts } from './contracts/index.ts';
import { endpointTables, endpointVariable } from './endpoint.ts';
import { openWorld } from './world.ts';

const endpoint = process.env[endpointVariable] ?? '';
storeContracts(endpoint, () => openWorld(() => endpointTables(endpoint)));
