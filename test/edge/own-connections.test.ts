import { expect, it } from 'vitest';
import type { Connection, ConnectionAddress } from '../../lib/core/model.ts';
import { keepOwnConnections } from '../../lib/edge/own-connections.ts';

it('reads the row for SUBSCRIBE also where the clock has been set back', async () => {
  let nowMs = 10_000;
  const address = 'e:EDGE:0' as ConnectionAddress;
  const rows = new Map<ConnectionAddress, Connection>();
  const { stores, add } = keepOwnConnections({
    clock: { nowMs: () => nowMs },
    connections: {
      create: async (row: Connection) => rows.set(row.address, row).size > 0,
      get: async (of: ConnectionAddress) => rows.get(of),
    },
    tenants: { readLive: async () => undefined },
  } as unknown as Parameters<typeof keepOwnConnections>[0]);
  add(address);
  await stores.connections.create({ address, tenant: 'acme' } as unknown as Connection);
  nowMs -= 1_000;
  // Another connection has taken the session over.
  rows.delete(address);
  expect(await stores.connections.readState(address, false, 'any')).toHaveProperty('connection');
  expect(await stores.connections.readState(address, false, 'latest')).toEqual({});
});
