import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { RetainedStore } from '../core/store-ports/retained.ts';
import { compareUtf8 } from '../topics/index.ts';
import { known, N, S, version } from './attributes.ts';
import { messageAttributes, messageFrom } from './message-item.ts';
import { Table } from './table.ts';

/**
 * Table Retained: `tenant` / `topic` → the last message of the topic. A write replaces the whole
 * row, so two concurrent publishers leave one of their messages, never a mixture. Expired rows are
 * ignored on read and deleted by TTL.
 */
export function createRetainedStore(client: DynamoDBClient, tableName: string): RetainedStore {
  const table = new Table(client, tableName);
  return {
    async put(tenant, message) {
      const { topic, ...attributes } = messageAttributes(message);
      const previous = await table.replace({
        tenant: S(tenant),
        topic: topic ?? S(message.topic),
        v: version,
        ...attributes,
        ...(message.expiresAtMs === undefined ? {} : { ttl: N(Math.ceil(message.expiresAtMs / 1000)) }),
      });
      return previous === undefined ? undefined : messageFrom(previous);
    },

    async delete(tenant, topic) {
      const deleted = await table.delete({ tenant: S(tenant), topic: S(topic) });
      return deleted === undefined ? undefined : messageFrom(deleted);
    },

    async get(tenant, topic) {
      const found = await table.get({ tenant: S(tenant), topic: S(topic) }, true);
      return found === undefined ? undefined : messageFrom(known(found));
    },

    async getMany(tenant, topics) {
      const keys = topics.map((topic) => ({ tenant: S(tenant), topic: S(topic) }));
      return (await table.getMany(keys, true)).map((found) => messageFrom(known(found)));
    },

    async page(tenant, prefix, from, limit) {
      const range = keyRange(prefix, from);
      if (range === undefined) return { messages: [], more: false };
      const page = await table.page({
        KeyConditionExpression: `tenant = :tenant${range.condition}`,
        ExpressionAttributeValues: { ':tenant': S(tenant), ...range.values },
        Limit: limit,
        ConsistentRead: true,
      });
      return {
        messages: page.items
          .map((found) => messageFrom(known(found)))
          .filter((message) => message.topic.startsWith(prefix)),
        more: page.next !== undefined,
      };
    },
  };
}

/**
 * The range of topics ≥ `from` that begin with `prefix`, and possibly the one topic behind the
 * range. Undefined: the range is empty.
 */
function keyRange(
  prefix: string,
  from: string,
): { condition: string; values: Record<string, AttributeValue> } | undefined {
  if (!from.startsWith(prefix) && compareUtf8(from, prefix) > 0) return undefined;
  const start = from.startsWith(prefix) ? from : prefix;
  if (start === '') return { condition: '', values: {} };
  const behind = successor(prefix);
  if (behind === undefined) return { condition: ' AND topic >= :from', values: { ':from': S(start) } };
  return { condition: ' AND topic BETWEEN :from AND :to', values: { ':from': S(start), ':to': S(behind) } };
}

/**
 * The lowest text above all that begin with `prefix`: its last character is replaced by the next
 * one.
 */
function successor(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  const last = points.pop();
  if (last === undefined || last >= 0x10ffff) return undefined;
  // Skips the surrogates, which are not characters.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}
