import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TenantAdmin } from '../auth/index.ts';
import type { RuleRecordStore } from '../core/store-ports/rule-records.ts';
import type { TenantData } from '../core/tenant-data.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { type ParsedFilter, parseFilter } from '../topics/index.ts';
import { type Item, S, string } from './attributes.ts';
import { kinds, prefixQuery, scoped, sessionKey, sessionRowKey } from './keys.ts';
import { bucketsOf, queuedPrefix } from './messages.ts';
import { ruleFrom, ruleKey, rulesQuery } from './rules.ts';
import { sessionsByTenant, type TableKind, type TableNames, tableSchemas } from './schema.ts';
import { sessionFrom } from './session-item.ts';
import { ruleMatchKey, subscriptionKey } from './subscription-keys.ts';
import { markKey, subscribersQuery, subscriptionFrom } from './subscriptions.ts';
import { getBatch, Table } from './table.ts';

/** Keys in one BatchGetItem. */
const maxBatchKeys = 100;

/** All tables as operators' tools see them: the data of one tenant, and its erasure. */
export function createTenantData(
  client: DynamoDBClient,
  tables: TableNames,
  configurations: Pick<TenantAdmin, 'show' | 'delete'>,
  ruleRecords: Pick<RuleRecordStore, 'clear'>,
): TenantData {
  const sessions = new Table(client, tables.sessions);
  const subscriptions = new Table(client, tables.subscriptions);

  /** The rows of rules last: they lead to all others. */
  async function eraseRules(tenant: TenantId): Promise<void> {
    const tenants = new Table(client, tables.tenants);
    for await (const row of tenants.items(rulesQuery(tenant))) {
      const { rule, formerFilters } = ruleFrom(row);
      const { name, filter } = rule;
      await erase(
        subscriptions,
        [filter, ...formerFilters].map((one) => ruleMatchKey(tenant, one, name)),
      );
      while (await ruleRecords.clear({ tenant, rule: name }));
      await tenants.delete(ruleKey(tenant, name));
    }
  }

  async function getAll(keys: readonly Item[]): Promise<Item[]> {
    const found: Item[] = [];
    for (let start = 0; start < keys.length; start += maxBatchKeys) {
      const Keys = keys.slice(start, start + maxBatchKeys);
      const batch = await getBatch(client, { [tables.subscriptions]: { Keys, ConsistentRead: true } });
      found.push(...(batch[tables.subscriptions] ?? []));
    }
    return found;
  }

  return {
    async clientIds(tenant, after, limit) {
      const page = await sessions.page({
        IndexName: sessionsByTenant,
        KeyConditionExpression: 'tenant = :tenant',
        ExpressionAttributeValues: { ':tenant': S(tenant) },
        Limit: limit,
        ...(after === undefined
          ? {}
          : {
              ExclusiveStartKey: {
                tenant: S(tenant),
                ...sessionRowKey({ tenant, clientId: after }, kinds.session),
              },
            }),
      });
      const prefix = scoped(tenant, '');
      return {
        clientIds: page.items.map((item) => string(item, 'session').slice(prefix.length)),
        more: page.next !== undefined,
      };
    },

    async sessions(tenant, clientIds) {
      if (clientIds.length === 0) return [];
      const keys = clientIds.map((clientId) => sessionRowKey({ tenant, clientId }, kinds.session));
      const found = await getBatch(client, { [tables.sessions]: { Keys: keys, ConsistentRead: true } });
      return (found[tables.sessions] ?? []).map(sessionFrom);
    },

    async subscriptionsOf(key, generation) {
      const listed: Item[] = [];
      for await (const row of sessions.items(prefixQuery(key, kinds.subscription('')))) listed.push(row);
      const parsed = listed.flatMap(filterOf);
      const rows = await getAll(
        parsed.map((filter) => subscriptionKey(key.tenant, { ...filter, clientId: key.clientId })),
      );
      return rows
        .map((row) => subscriptionFrom(row, string(row, 'filter').slice(scoped(key.tenant, '').length)))
        .filter((subscription) => subscription.generation === generation);
    },

    async subscribers(tenant, filter, after, limit) {
      const partition = { filter: S(scoped(tenant, filter)) };
      const page = await subscriptions.page({
        ...subscribersQuery(tenant, filter, true),
        Limit: limit,
        ...(after === undefined ? {} : { ExclusiveStartKey: { ...partition, client: S(after) } }),
      });
      const next = page.next === undefined ? undefined : string(page.next, 'client');
      return {
        subscriptions: page.items.map((row) => subscriptionFrom(row, filter)),
        ...(next === undefined ? {} : { next }),
      };
    },

    async eraseClient(key) {
      const rows: Item[] = [];
      const query = {
        KeyConditionExpression: '#session = :session',
        ExpressionAttributeNames: { '#session': 'session', '#kind': 'kind' },
        ExpressionAttributeValues: { ':session': S(sessionKey(key)) },
        ProjectionExpression: '#session, #kind',
        ConsistentRead: true,
      };
      for await (const row of sessions.items(query)) rows.push(row);
      await erase(
        subscriptions,
        rows
          .flatMap(filterOf)
          .map((parsed) => subscriptionKey(key.tenant, { ...parsed, clientId: key.clientId })),
      );
      await erase(
        sessions,
        rows.filter((row) => string(row, 'kind') !== kinds.session),
      );
      await sessions.delete(sessionRowKey(key, kinds.session));
    },

    async eraseTenant(tenant) {
      const messages = new Table(client, tables.messages);
      await eraseRules(tenant);
      await Promise.all([
        ...(['retained', 'usage'] as const).map(async (kind) => {
          const table = new Table(client, tables[kind]);
          await erase(table, await keysOf(table, kind, tenant));
        }),
        ...bucketsOf(tenant).map(async (bucket) => {
          const keys = await keysOf(messages, 'messages', bucket);
          const topics = keys
            .map((key) => string(key, 'part'))
            .filter((part) => part.startsWith(queuedPrefix));
          // Marks first: only the rows in Messages lead to them.
          await erase(
            subscriptions,
            topics.map((part) => markKey(tenant, part.slice(queuedPrefix.length))),
          );
          await erase(messages, keys);
        }),
      ]);
    },

    tenantStatus: async (tenant) => (await configurations.show(tenant))?.status,

    async deleteTenant(tenant) {
      await configurations.delete(tenant);
    },
  };
}

/** Keys of all rows of one partition. */
async function keysOf(table: Table, kind: TableKind, partition: string): Promise<Item[]> {
  const { partitionKey, sortKey = partitionKey } = tableSchemas[kind];
  const keys: Item[] = [];
  const query = {
    KeyConditionExpression: '#partition = :partition',
    ExpressionAttributeNames: { '#partition': partitionKey, '#sort': sortKey },
    ExpressionAttributeValues: { ':partition': S(partition) },
    ProjectionExpression: '#partition, #sort',
    ConsistentRead: true,
  };
  for await (const row of table.items(query)) keys.push(row);
  return keys;
}

/** The filter of a row in a session's list of subscriptions. */
function filterOf(row: Item): ParsedFilter[] {
  const prefix = kinds.subscription('');
  const kind = string(row, 'kind');
  if (!kind.startsWith(prefix)) return [];
  const parsed = parseFilter(kind.slice(prefix.length));
  return 'code' in parsed ? [] : [parsed];
}

async function erase(table: Table, keys: readonly Item[]): Promise<void> {
  await table.writeMany(keys.map((key) => ({ DeleteRequest: { Key: key } })));
}
