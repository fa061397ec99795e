import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type {
  ListedSubscription,
  SessionSubscriptionStore,
} from '../core/store-ports/session-subscriptions.ts';
import { S, string } from './attributes.ts';
import { type Fields, itemOf, maybe, modelFrom, numeric, text } from './fields.ts';
import { kinds, prefixQuery, sessionRowKey } from './keys.ts';
import { Table } from './table.ts';

const prefix = kinds.subscription('');

/** The fields beside the filter, which is in the key. */
const listedFields: Fields<Omit<ListedSubscription, 'filter'>> = {
  generation: text('generation'),
  qos: maybe(numeric('qos')),
};

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
        const filter = string(row, 'kind').slice(prefix.length);
        found.push({ filter, ...modelFrom(listedFields, row) });
      }
      return found;
    },

    async put(key, filter, generation, qos) {
      await table.put({
        ...sessionRowKey(key, kinds.subscription(filter)),
        ...itemOf(listedFields, { generation, ...(qos === undefined ? {} : { qos }) }),
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
