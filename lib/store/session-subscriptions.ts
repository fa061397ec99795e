import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Qos } from '../core/model.ts';
import type {
  ListedSubscription,
  SessionSubscriptionStore,
} from '../core/store-ports/session-subscriptions.ts';
import { item, known, N, optional, optionalNumber, S, string, version } from './attributes.ts';
import { kinds, prefixQuery, sessionRowKey } from './session-keys.ts';
import { Table } from './table.ts';

const prefix = kinds.subscription('');

/** Table Sessions, rows `sub#filter`. */
export function createSessionSubscriptionStore(
  client: DynamoDBClient,
  tableName: string,
): SessionSubscriptionStore {
  const table = new Table(client, tableName);
  return {
    async list(key) {
      const found: ListedSubscription[] = [];
      for await (const row of table.items(prefixQuery(key, prefix))) {
        const qos = optionalNumber(row, 'qos');
        found.push({
          filter: string(known(row), 'kind').slice(prefix.length),
          generation: string(row, 'generation'),
          ...(qos === undefined ? {} : { qos: qos as Qos }),
        });
      }
      return found;
    },

    async put(key, filter, generation, qos) {
      await table.put({
        ...sessionRowKey(key, kinds.subscription(filter)),
        v: version,
        generation: S(generation),
        ...item({ qos: optional(qos, N) }),
      });
    },

    async count(key, limit) {
      const page = await table.page({
        ...prefixQuery(key, prefix),
        Select: 'COUNT',
        Limit: limit,
      });
      return page.count;
    },

    async delete(key, filter, generation) {
      await table.deleteIf(sessionRowKey(key, kinds.subscription(filter)), {
        condition: 'generation = :generation',
        values: { ':generation': S(generation) },
      });
    },
  };
}
