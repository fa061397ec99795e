import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { RetainedStore } from '../broker/ports.ts';
import { N, S, version } from './attributes.ts';
import { messageAttributes, messageFrom } from './message-item.ts';
import { Table } from './table.ts';

/**
 * Table Retained: `tenant` / `topic` → the last message of the topic. A write replaces the row as a whole, so two
 * publishers leave one of their messages, never a mixture; an expired row is dropped on read and by TTL.
 */
export function retainedStore(client: DynamoDBClient, tableName: string): RetainedStore {
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
      return found === undefined ? undefined : messageFrom(found);
    },

    async page(tenant, prefix, from, limit) {
      const range = keyRange(prefix, from);
      const page = await table.page({
        KeyConditionExpression: `tenant = :tenant${range.condition}`,
        ExpressionAttributeValues: { ':tenant': S(tenant), ...range.values },
        Limit: limit,
        ConsistentRead: true,
      });
      return {
        messages: page.items.map(messageFrom).filter((message) => message.topic.startsWith(prefix)),
        more: page.next !== undefined,
      };
    },
  };
}

/** U+10FFFF sorts after every character a topic holds behind the prefix. */
const lastCharacter = '\u{10FFFF}';
const maxSortKeyBytes = 1024;

/** The range of topics ≥ `from` that begin with `prefix`; wider where a bound would be too long for a key. */
function keyRange(
  prefix: string,
  from: string,
): { condition: string; values: Record<string, AttributeValue> } {
  const start = from === '' ? prefix : from;
  if (start === '') return { condition: '', values: {} };
  const last = prefix + lastCharacter;
  if (prefix === '' || Buffer.byteLength(last) > maxSortKeyBytes)
    return { condition: ' AND topic >= :from', values: { ':from': S(start) } };
  return { condition: ' AND topic BETWEEN :from AND :last', values: { ':from': S(start), ':last': S(last) } };
}
