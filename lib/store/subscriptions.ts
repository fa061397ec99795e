import { createHash } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TenantId } from '../auth/tenant-id.ts';
import type { Qos, Subscription } from '../broker/model.ts';
import type { SubscriptionStore } from '../broker/ports.ts';
import {
  flag,
  type Item,
  item,
  known,
  N,
  number,
  optional,
  optionalNumber,
  optionalString,
  S,
  string,
  version,
} from './attributes.ts';
import { clientHash, scoped } from './keys.ts';
import { Table } from './table.ts';

/**
 * Table Subscriptions: `tenant/filter` / `hash(client)` + client → options. One Query finds a filter's audience,
 * shared subscriptions included: they differ in the sort key only, behind a NUL, which no client id holds.
 * A row never names a connection, and it counts only while its generation is the session's.
 */
export function subscriptionStore(client: DynamoDBClient, tableName: string): SubscriptionStore {
  const table = new Table(client, tableName);
  return {
    async put(tenant, subscription) {
      const previous = await table.replace({
        ...subscriptionKey(tenant, subscription),
        v: version,
        ...item({
          id: S(subscription.clientId),
          generation: S(subscription.generation),
          qos: N(subscription.qos),
          noLocal: subscription.noLocal ? { BOOL: true } : undefined,
          asPublished: subscription.retainAsPublished ? { BOOL: true } : undefined,
          identifier: optional(subscription.subscriptionIdentifier, N),
          share: optional(subscription.shareName, S),
        }),
      });
      return previous !== undefined && optionalString(previous, 'generation') === subscription.generation;
    },

    async delete(tenant, subscription) {
      return table.deleteIf(subscriptionKey(tenant, subscription), {
        condition: 'generation = :generation',
        values: { ':generation': S(subscription.generation) },
      });
    },

    async audience(tenant, filter, consistent) {
      const found: Subscription[] = [];
      const query = {
        KeyConditionExpression: '#filter = :filter',
        ExpressionAttributeNames: { '#filter': 'filter' },
        ExpressionAttributeValues: { ':filter': S(scoped(tenant, filter)) },
        ConsistentRead: consistent,
      };
      for await (const stored of table.items(query)) found.push(subscriptionFrom(stored, filter));
      return found;
    },
  };
}

/** The key of one client's subscription to a filter. */
export function subscriptionKey(
  tenant: TenantId,
  { clientId, filter, shareName }: Pick<Subscription, 'clientId' | 'filter' | 'shareName'>,
): Item {
  return { filter: S(scoped(tenant, filter)), client: S(sortKey(clientId, shareName)) };
}

/** Bytes of a share name that stand in the key as they are: with the longest client id a sort key has no room for all. */
const maxShareNameBytes = 512;

/** The name of a share, or its digest behind another NUL, which no name holds. */
function sortKey(clientId: string, shareName: string | undefined): string {
  const key = clientHash(clientId) + clientId;
  if (shareName === undefined) return key;
  if (Buffer.byteLength(shareName) <= maxShareNameBytes) return `${key}\0${shareName}`;
  return `${key}\0\0${createHash('sha256').update(shareName).digest('base64url')}`;
}

export function subscriptionFrom(stored: Item, filter: string): Subscription {
  known(stored);
  const identifier = optionalNumber(stored, 'identifier');
  const shareName = optionalString(stored, 'share');
  return {
    clientId: string(stored, 'id'),
    filter,
    generation: string(stored, 'generation'),
    qos: number(stored, 'qos') as Qos,
    noLocal: flag(stored, 'noLocal'),
    retainAsPublished: flag(stored, 'asPublished'),
    ...(identifier === undefined ? {} : { subscriptionIdentifier: identifier }),
    ...(shareName === undefined ? {} : { shareName }),
  };
}
