import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Identity } from '../core/permissions.ts';
import type { PendingIdentityStore } from '../core/store-ports/pending-identities.ts';
import { type Item, json, known, S, storedTenant, ttl, version } from './attributes.ts';
import { connectionKey, connectionTtlSeconds } from './connection-item.ts';
import { Table } from './table.ts';

/**
 * Table Connections, rows with the attribute `pending` in the place of the later connection row.
 */
export function createPendingIdentityStore(
  client: DynamoDBClient,
  tableName: string,
  nowMs: () => number,
): PendingIdentityStore {
  const table = new Table(client, tableName);
  return {
    async put(address, identity) {
      await table.put({
        ...connectionKey(address),
        v: version,
        pending: S(JSON.stringify(identity)),
        ttl: ttl(nowMs(), connectionTtlSeconds),
      });
    },

    async delete(address) {
      await table.deleteIf(connectionKey(address), { condition: 'attribute_exists(pending)' });
    },
  };
}

export function pendingIdentityFrom(stored: Item): Identity {
  const identity = json(known(stored), 'pending') as Identity;
  return { ...identity, tenant: storedTenant(identity.tenant, 'pending') };
}
