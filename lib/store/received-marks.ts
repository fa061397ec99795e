import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ReceivedMarkStore } from '../core/store-ports/received-marks.ts';
import { known, S, string, ttl, version } from './attributes.ts';
import { kinds, prefixQuery, sessionRowKey } from './keys.ts';
import { Table } from './table.ts';

/** Longer than any reasonable reconnection. The end of the session deletes marks earlier. */
const markTtlSeconds = 7 * 86_400;

/** Table Sessions, rows `r#packet identifier`. */
export function createReceivedMarkStore(
  client: DynamoDBClient,
  tableName: string,
  nowMs: () => number,
): ReceivedMarkStore {
  const table = new Table(client, tableName);
  return {
    async put(key, generation, packetIdentifier, messageId) {
      const rowKeys = sessionRowKey(key, kinds.received(packetIdentifier));
      const values = { ':generation': S(generation) };
      const first = await table.putIf(
        {
          ...rowKeys,
          v: version,
          id: S(messageId),
          generation: S(generation),
          ttl: ttl(nowMs(), markTtlSeconds),
        },
        { condition: 'attribute_not_exists(kind) OR generation <> :generation', values },
      );
      if (first) return { messageId, first };
      const stored = await table.get(rowKeys, true);
      const marked = stored === undefined ? messageId : string(known(stored), 'id');
      // This call's own id: the SDK repeated a write whose answer was lost.
      return { messageId: marked, first: marked === messageId };
    },

    async delete(key, generation, packetIdentifier) {
      return table.deleteIf(sessionRowKey(key, kinds.received(packetIdentifier)), {
        condition: 'generation = :generation',
        values: { ':generation': S(generation) },
      });
    },

    async count(key, limit) {
      const page = await table.page({ ...prefixQuery(key, 'r#'), Select: 'COUNT', Limit: limit });
      return page.count;
    },
  };
}
