import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Observer, ObserverStore } from '../core/store-ports/observers.ts';
import { type Item, N, S, ttl } from './attributes.ts';
import { type Fields, itemOf, jsonText, modelFrom, numeric, text } from './fields.ts';
import { Table } from './table.ts';

export const observerPrefix = 'observer#';

const observerFields: Fields<Observer> = {
  slot: numeric('slot'),
  clientId: text('id'),
  filters: jsonText('filters'),
  passwordHash: text('hash'),
  createdAtMs: numeric('created'),
  expiresAtMs: numeric('expires'),
};

/**
 * Table Tenants: `tenant` / `observer#00`, `observer#01`, … → a temporary session of an operator,
 * with the hash of its password. The number of slots bounds those of a tenant exactly: each is
 * taken by one conditional write. TTL deletes a row after its expiry, which readers check.
 */
export function createObserverStore(
  client: DynamoDBClient,
  tableName: string,
  nowMs: () => number,
): ObserverStore {
  const table = new Table(client, tableName);
  return {
    async find(tenantName, slot) {
      const found = await table.get(slotKey(tenantName, slot), true);
      return found === undefined ? undefined : observerFrom(found);
    },

    async list(tenant, slots) {
      const keys = Array.from({ length: slots }, (_, slot) => slotKey(tenant, slot));
      const found = (await table.getMany(keys, true)).map(observerFrom);
      return found
        .filter(({ expiresAtMs }) => expiresAtMs > nowMs())
        .sort((one, other) => one.slot - other.slot);
    },

    add: (tenant, observer) =>
      table.putIf(
        {
          ...slotKey(tenant, observer.slot),
          ...itemOf(observerFields, observer),
          ttl: ttl(observer.expiresAtMs, 0),
        },
        {
          // The last is this call's own write, repeated because its answer was lost.
          condition: 'attribute_not_exists(tenant) OR expires <= :now OR id = :id',
          values: { ':now': N(nowMs()), ':id': S(observer.clientId) },
        },
      ),

    async end(tenant, { slot, clientId }) {
      await table.update(slotKey(tenant, slot), {
        update: 'SET expires = :now, #ttl = :ttl',
        condition: 'id = :id AND expires > :now',
        names: { '#ttl': 'ttl' },
        values: { ':now': N(nowMs()), ':ttl': ttl(nowMs(), 0), ':id': S(clientId) },
      });
    },
  };
}

function slotKey(tenant: string, slot: number): Item {
  return { tenant: S(tenant), part: S(`${observerPrefix}${String(slot).padStart(2, '0')}`) };
}

function observerFrom(stored: Item): Observer {
  return modelFrom(observerFields, stored);
}
