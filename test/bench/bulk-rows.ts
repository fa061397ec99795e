import type { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { TenantId } from '../../lib/auth/index.ts';
import type { Subscription } from '../../lib/core/model.ts';
import type { EngineRequestHandler } from '../../lib/local/dynamodb/index.ts';
import { localTables } from '../../lib/local/service.ts';
import { createSubscriptionStore } from '../../lib/store/subscriptions.ts';

/** Maximum number of items in one BatchWriteItem. */
const batchSize = 25;
const concurrentBatches = 8;

/**
 * Writes the rows that the store would write, 25 per request and directly to the engine, because
 * the SDK takes longer than the engine. The keys of the subscriptions must differ.
 */
export async function writeSubscriptions(
  engine: EngineRequestHandler,
  tenant: TenantId,
  subscriptions: Iterable<Subscription>,
): Promise<void> {
  let item: unknown;
  const taking = {
    async send(command: PutItemCommand) {
      item = command.input.Item;
      return {};
    },
  } as unknown as DynamoDBClient;
  const store = createSubscriptionStore(taking, localTables.subscriptions, Math.random);
  const source = subscriptions[Symbol.iterator]();
  const nextBatch = async (): Promise<unknown[]> => {
    const items: unknown[] = [];
    while (items.length < batchSize) {
      const { value, done } = source.next();
      if (done === true) break;
      await store.put(tenant, value);
      items.push(item);
    }
    return items;
  };
  for (let more = true; more; ) {
    const batches: unknown[][] = [];
    while (batches.length < concurrentBatches) {
      const items = await nextBatch();
      if (items.length === 0) {
        more = false;
        break;
      }
      batches.push(items);
    }
    await Promise.all(batches.map((items) => write(engine, items)));
  }
}

async function write(engine: EngineRequestHandler, items: readonly unknown[]): Promise<void> {
  const requests = items.map((Item) => ({ PutRequest: { Item } }));
  const { response } = await engine.handle({
    method: 'POST',
    headers: { 'x-amz-target': 'DynamoDB_20120810.BatchWriteItem' },
    body: JSON.stringify({ RequestItems: { [localTables.subscriptions]: requests } }),
  });
  const answer = Buffer.from(response.body).toString('utf8');
  if (response.statusCode !== 200 || !answer.includes('"UnprocessedItems":{}')) throw new Error(answer);
}
