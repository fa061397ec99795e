import { afterEach, expect, test } from 'vitest';
import { loadDynalite, type Store } from '../../../lib/local/dynamodb/dynalite.ts';
import { executeOperation } from '../../../lib/local/dynamodb/operation.ts';

const dynalite = loadDynalite();
const stores: Store[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.lifecycleManager.gracefulClose();
});

async function storeWithTable(): Promise<{
  store: Store;
  run: (operation: string, input: Record<string, unknown>) => ReturnType<typeof executeOperation>;
}> {
  const store = dynalite.create({ createTableMs: 0 });
  stores.push(store);
  const run = (operation: string, input: Record<string, unknown>) =>
    executeOperation(dynalite, store, operation, { TableName: 'rows', ...input });
  await run('CreateTable', {
    KeySchema: [
      { AttributeName: 'p', KeyType: 'HASH' },
      { AttributeName: 's', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'p', AttributeType: 'S' },
      { AttributeName: 's', AttributeType: 'S' },
    ],
    BillingMode: 'PAY_PER_REQUEST',
  });
  while (((await run('DescribeTable', {})).body.Table as { TableStatus: string }).TableStatus !== 'ACTIVE');
  return { store, run };
}

const query = {
  KeyConditionExpression: 'p = :p',
  ExpressionAttributeValues: { ':p': { S: 'a' } },
};

test('an error that dynalite throws in a callback becomes a 500 and releases the item lock', async () => {
  const { store, run } = await storeWithTable();
  const Key = { p: { S: 'a' }, s: { S: '1' } };
  await run('PutItem', { Item: Key });
  const iterator = store.db.keys({ gte: 'item-rows~', lt: 'item-rows~~' });
  const [stored] = await iterator.nextv(1);
  await iterator.close();
  // Not a number: dynalite throws while it measures the item, holding the lock.
  await store.db.put(String(stored), { ...Key, n: { N: 'damaged' } });
  const update = await run('UpdateItem', {
    Key,
    UpdateExpression: 'SET x = :x',
    ExpressionAttributeValues: { ':x': { S: '' } },
  });
  expect(update.statusCode).toBe(500);
  expect(update.body.__type).toContain('InternalServerError');
  expect((await run('Query', { ...query })).statusCode).toBe(500);
  expect((await run('PutItem', { Item: Key })).statusCode).toBe(200);
  expect((await run('Query', { ...query })).body.Items).toEqual([Key]);
});

test('a request closes all its iterators, whether it reads to the end or stops early', async () => {
  const { store, run } = await storeWithTable();
  for (let row = 0; row < 150; row += 1) {
    await run('PutItem', { Item: { p: { S: 'a' }, s: { S: String(row) } } });
  }
  let opened = 0;
  const closings: Promise<void>[] = [];
  for (const method of ['values', 'keys'] as const) {
    const open = store.db[method].bind(store.db) as (range: object) => { close(): Promise<void> };
    Object.assign(store.db, {
      [method]: (range: object) => {
        opened += 1;
        const iterator = open(range);
        const close = iterator.close.bind(iterator);
        closings.push(
          new Promise((resolve) => {
            iterator.close = () => close().finally(resolve);
          }),
        );
        return iterator;
      },
    });
  }
  await run('Query', { ...query });
  await run('Query', { ...query, Limit: 1 });
  await run('Query', { ...query, Limit: 120, ScanIndexForward: false });
  await run('Scan', { Limit: 5 });
  await run('ListTables', {});
  expect(opened).toBe(5);
  // Never settles if an iterator is not closed.
  await Promise.all(closings);
});
