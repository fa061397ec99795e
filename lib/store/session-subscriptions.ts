import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ClientKey } from '../core/model.ts';
import type {
  ListedSubscription,
  SessionSubscriptionStore,
} from '../core/store-ports/session-subscriptions.ts';
import { hourOf } from '../core/usage.ts';
import { type Item, N, S, string, ttl, version } from './attributes.ts';
import { type Fields, itemOf, maybe, modelFrom, numeric, text, updateOf } from './fields.ts';
import { kinds, prefixQuery, sessionRowKey } from './keys.ts';
import { Table } from './table.ts';

const prefix = kinds.subscription('');

/**
 * Filters that are read one by one, for one read unit each, absent ones included. A Query of the
 * whole list costs one read unit for about 70 short filters.
 */
const maxSingleReads = 4;

const waitingFields: Fields<Pick<ListedSubscription, 'retainedFrom' | 'subscriptionIdentifier'>> = {
  retainedFrom: maybe(text('retainedFrom')),
  subscriptionIdentifier: maybe(numeric('identifier')),
};

/** An hour, and one that a slow clock adds. */
const newShapesTtlSeconds = 7_200;

/** The fields beside the filter, which is in the key. */
const listedFields: Fields<Omit<ListedSubscription, 'filter'>> = {
  generation: text('generation'),
  qos: maybe(numeric('qos')),
  retainedSinceMs: maybe(numeric('retainedSince')),
  ...waitingFields,
};

/** The fields that a subscription which is made again replaces. */
const renewedFields: Fields<Pick<ListedSubscription, 'generation' | 'qos'>> = {
  generation: listedFields.generation,
  qos: listedFields.qos,
};

/** Table Sessions, rows `sub#filter`, and `n#hour` with the shapes that the client has added. */
export function createSessionSubscriptionStore(
  client: DynamoDBClient,
  tableName: string,
): SessionSubscriptionStore {
  const table = new Table(client, tableName);

  async function list(key: ClientKey): Promise<ListedSubscription[]> {
    const found: ListedSubscription[] = [];
    for await (const row of table.items(prefixQuery(key, prefix))) found.push(listedFrom(row));
    return found;
  }

  return {
    list,

    async put(key, filter, generation, qos) {
      await table.put(itemFrom(key, { filter, generation, ...(qos === undefined ? {} : { qos }) }));
    },

    async putMany(key, entries) {
      await table.putMany(entries.map((entry) => itemFrom(key, entry)));
    },

    async renew(key, entry) {
      const { update, names, values } = updateOf(renewedFields, entry);
      const { retainedSinceMs: sinceMs } = entry;
      const renewed = await table.update(sessionRowKey(key, kinds.subscription(entry.filter)), {
        update: update.replace(
          'SET',
          `SET v = :v,${sinceMs === undefined ? '' : ' retainedSince = if_not_exists(retainedSince, :since),'}`,
        ),
        condition: 'attribute_not_exists(kind) OR #generation = :generation',
        names,
        values: { ...values, ':v': version, ...(sinceMs === undefined ? {} : { ':since': N(sinceMs) }) },
      });
      if (renewed === undefined) await table.put(itemFrom(key, entry));
    },

    async setRetainedFrom(key, { filter, generation, ...waiting }, previous) {
      const { update, names, values } = updateOf(
        { generation: listedFields.generation, ...waitingFields },
        { generation, ...waiting },
      );
      const isWaiting = previous === undefined ? '' : ' AND #retainedFrom = :previous';
      await table.update(sessionRowKey(key, kinds.subscription(filter)), {
        update,
        condition: `#generation = :generation${isWaiting}`,
        names,
        values: { ...values, ...(previous === undefined ? {} : { ':previous': S(previous) }) },
      });
    },

    async find(key, filters) {
      if (filters.length > maxSingleReads) {
        const wanted = new Set(filters);
        return (await list(key)).filter(({ filter }) => wanted.has(filter));
      }
      const keys = filters.map((filter) => sessionRowKey(key, kinds.subscription(filter)));
      return (await table.getMany(keys, true)).map(listedFrom);
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

    async takeNewShapes(key, count, bound, nowMs) {
      if (count > bound) return false;
      const hour = hourOf(nowMs);
      const taken = await table.update(sessionRowKey(key, kinds.newShapes(hour)), {
        update: 'SET v = :v, #ttl = :ttl ADD taken :count',
        condition: 'attribute_not_exists(taken) OR taken <= :room',
        names: { '#ttl': 'ttl' },
        values: {
          ':v': version,
          ':ttl': ttl(nowMs, newShapesTtlSeconds),
          ':count': N(count),
          ':room': N(bound - count),
        },
      });
      return taken !== undefined;
    },
  };
}

function itemFrom(key: ClientKey, { filter, ...fields }: ListedSubscription): Item {
  return { ...sessionRowKey(key, kinds.subscription(filter)), ...itemOf(listedFields, fields) };
}

function listedFrom(row: Item): ListedSubscription {
  return { filter: string(row, 'kind').slice(prefix.length), ...modelFrom(listedFields, row) };
}
