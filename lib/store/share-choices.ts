import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ShareChoiceStore } from '../core/store-ports/share-choices.ts';
import { known, S, string, ttl, version } from './attributes.ts';
import { kinds, sessionRowKey } from './keys.ts';
import { Table } from './table.ts';

/**
 * As long as the marks of received QoS 2 messages: a publisher may repeat the message until then.
 */
const choiceTtlSeconds = 7 * 86_400;

/** Table Sessions, rows `c#digest` of the publisher. */
export function createShareChoiceStore(
  client: DynamoDBClient,
  tableName: string,
  nowMs: () => number,
): ShareChoiceStore {
  const table = new Table(client, tableName);
  return {
    async keep(publisher, name, choice, failed) {
      const rowKeys = sessionRowKey(publisher, kinds.choice(name));
      const kept = await table.putIf(
        {
          ...rowKeys,
          v: version,
          choice: S(choice),
          ttl: ttl(nowMs(), choiceTtlSeconds),
        },
        {
          condition: `attribute_not_exists(kind)${failed === undefined ? '' : ' OR choice = :failed'}`,
          ...(failed === undefined ? {} : { values: { ':failed': S(failed) } }),
        },
      );
      if (kept) return choice;
      const stored = await table.get(rowKeys, true);
      return stored === undefined ? choice : string(known(stored), 'choice');
    },
  };
}
