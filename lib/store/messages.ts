import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { FanoutSlice, Message } from '../core/model.ts';
import type { MessageStore } from '../core/store-ports/messages.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { messageBytes } from '../core/usage.ts';
import {
  type Item,
  item,
  known,
  N,
  number,
  optional,
  optionalString,
  S,
  string,
  version,
} from './attributes.ts';
import { scoped, spreadHash } from './keys.ts';
import { MessageCache } from './message-cache.ts';
import { messageAttributes, messageFrom } from './message-item.ts';
import { Table } from './table.ts';

/** Partitions of a tenant's rows; each serves 1,000 write units per second. */
const buckets = 16;
/**
 * With its other attributes, a queue entry of a smaller message takes one write unit, as many as an
 * entry that refers to the message.
 */
const worthSharingBytes = 800;
const messagePrefix = 'm#';
const progressPrefix = 'p#';
/** Prefix of rows that list topics with a mark in table Subscriptions. */
export const queuedPrefix = 't#';
/** Retention of progress: that of SQS messages (14 days) and one day. */
const progressTtlSeconds = 15 * 86_400;

/**
 * Table Messages, `tenant/0…f` / kind; every row has a TTL:
 * - `m#` + id: a message that queues and fan-out workers refer to.
 * - `p#` + fan-out + slice: the progress of the slice.
 * - `t#` + topic: table Subscriptions has a mark for the topic.
 */
export function createMessageStore(
  client: DynamoDBClient,
  tableName: string,
  nowMs: () => number,
): MessageStore {
  const table = new Table(client, tableName);
  const cache = new MessageCache();
  const inSeconds = (seconds: number) => N(Math.ceil(nowMs() / 1000) + seconds);

  async function read(tenant: TenantId, ids: readonly string[], consistent: boolean): Promise<Message[]> {
    if (ids.length === 0) return [];
    const found = await table.getMany(
      ids.map((id) => bucketKey(tenant, messagePrefix + id)),
      consistent,
    );
    return found.map((row) => messageFrom(known(row)));
  }

  return {
    isWorthSharing: (message) => messageBytes(message) > worthSharingBytes,

    async put(tenant, messages, keepSeconds) {
      await Promise.all(
        messages.map((message) =>
          table.put({
            ...bucketKey(tenant, messagePrefix + message.id),
            v: version,
            ttl: inSeconds(keepSeconds),
            ...messageAttributes(message),
          }),
        ),
      );
      for (const message of messages) cache.set(tenant, message);
    },

    async get(tenant, ids) {
      const found = new Map<string, Message>();
      const missing = (): string[] => [...new Set(ids)].filter((id) => !found.has(id));
      for (const id of ids) {
        const cached = cache.get(tenant, id);
        if (cached !== undefined) found.set(id, cached);
      }
      for (const consistent of [false, true])
        for (const message of await read(tenant, missing(), consistent)) {
          cache.set(tenant, message);
          found.set(message.id, message);
        }
      return found;
    },

    async progress(slice) {
      const row = await table.get(progressKey(slice), true);
      if (row === undefined) return undefined;
      const done = optionalString(known(row), 'done');
      const begun = optionalString(row, 'begun');
      return { ...(done === undefined ? {} : { done }), ...(begun === undefined ? {} : { begun }) };
    },

    async setProgress(slice, { done, begun }) {
      await table.put({
        ...progressKey(slice),
        v: version,
        ttl: inSeconds(progressTtlSeconds),
        ...item({ done: optional(done, S), begun: optional(begun, S) }),
      });
    },

    async noteQueuedTopic(tenant, topic, untilMs) {
      await table.put({
        ...bucketKey(tenant, queuedPrefix + topic),
        v: version,
        ttl: N(Math.ceil(untilMs / 1000) + progressTtlSeconds),
      });
    },

    async queuedTopics(tenant) {
      const topics = await Promise.all(
        bucketsOf(tenant).map(async (bucket) => {
          const found: string[] = [];
          const query = {
            KeyConditionExpression: '#bucket = :bucket AND begins_with(#part, :prefix)',
            ExpressionAttributeNames: { '#bucket': 'bucket', '#part': 'part' },
            ExpressionAttributeValues: { ':bucket': S(bucket), ':prefix': S(queuedPrefix) },
            ConsistentRead: true,
          };
          for await (const row of table.items(query)) {
            const untilSeconds = number(known(row), 'ttl') - progressTtlSeconds;
            if (untilSeconds * 1000 >= nowMs()) found.push(string(row, 'part').slice(queuedPrefix.length));
          }
          return found;
        }),
      );
      return topics.flat();
    },
  };
}

/** Partition keys of a tenant's rows. */
export function bucketsOf(tenant: TenantId): string[] {
  return Array.from({ length: buckets }, (_, bucket) => scoped(tenant, bucket.toString(buckets)));
}

function bucketKey(tenant: TenantId, part: string): Item {
  return { bucket: S(scoped(tenant, spreadHash(part).charAt(0))), part: S(part) };
}

function progressKey({ tenant, id, slice }: FanoutSlice): Item {
  return bucketKey(tenant, `${progressPrefix}${id}#${slice}`);
}
