import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ConnectionAddress } from '../core/model.ts';
import type { LeftWill, WillStore } from '../core/store-ports/wills.ts';
import {
  type Item,
  item,
  known,
  N,
  number,
  optional,
  optionalNumber,
  S,
  string,
  version,
} from './attributes.ts';
import { messageAttributes, messageFrom } from './message-item.ts';
import { kinds, prefixQuery, sessionRowKey } from './session-keys.ts';
import { Table } from './table.ts';

/** Table Sessions, rows `will#address`. */
export function createWillStore(client: DynamoDBClient, tableName: string): WillStore {
  const table = new Table(client, tableName);
  return {
    async put(key, address, generation, will) {
      await table.put({
        ...sessionRowKey(key, kinds.will(address)),
        v: version,
        address: S(address),
        generation: S(generation),
        delay: N(will.delaySeconds),
        ...item({ messageExpiry: optional(will.messageExpirySeconds, N) }),
        ...messageAttributes(will.message),
      });
    },

    async get(key, address) {
      const found = await table.get(sessionRowKey(key, kinds.will(address)), true);
      return found === undefined ? undefined : willFrom(found).will;
    },

    async list(key) {
      const found: LeftWill[] = [];
      for await (const row of table.items(prefixQuery(key, kinds.will('')))) found.push(willFrom(row));
      return found;
    },

    async take(key, address) {
      return table.deleteIf(sessionRowKey(key, kinds.will(address)), { condition: 'attribute_exists(kind)' });
    },
  };
}

function willFrom(stored: Item): LeftWill {
  const messageExpirySeconds = optionalNumber(known(stored), 'messageExpiry');
  return {
    address: string(stored, 'address') as ConnectionAddress,
    generation: string(stored, 'generation'),
    will: {
      delaySeconds: number(stored, 'delay'),
      message: messageFrom(stored),
      ...(messageExpirySeconds === undefined ? {} : { messageExpirySeconds }),
    },
  };
}
