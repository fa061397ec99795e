import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Will } from '../core/model.ts';
import type { LeftWill, WillStore } from '../core/store-ports/wills.ts';
import { type Fields, group, itemOf, maybe, modelFrom, numeric, text } from './fields.ts';
import { kinds, prefixQuery, sessionRowKey } from './keys.ts';
import { messageField } from './message-item.ts';
import { Table } from './table.ts';

const willFields: Fields<Will> = {
  message: messageField,
  delaySeconds: numeric('delay'),
  messageExpirySeconds: maybe(numeric('messageExpiry')),
};

const leftWillFields: Fields<LeftWill> = {
  will: group(willFields),
  address: text('address'),
  generation: text('generation'),
};

/** Table Sessions, rows `will#address`. */
export function createWillStore(client: DynamoDBClient, tableName: string): WillStore {
  const table = new Table(client, tableName);
  return {
    async put(key, address, generation, will) {
      await table.put({
        ...sessionRowKey(key, kinds.will(address)),
        ...itemOf(leftWillFields, { will, address, generation }),
      });
    },

    async get(key, address) {
      const found = await table.get(sessionRowKey(key, kinds.will(address)), true);
      return found === undefined ? undefined : modelFrom(leftWillFields, found).will;
    },

    async list(key) {
      const found: LeftWill[] = [];
      for await (const row of table.items(prefixQuery(key, kinds.will(''))))
        found.push(modelFrom(leftWillFields, row));
      return found;
    },

    async take(key, address) {
      return table.deleteIf(sessionRowKey(key, kinds.will(address)), { condition: 'attribute_exists(kind)' });
    },
  };
}
