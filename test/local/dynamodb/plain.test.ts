import { afterEach, expect, test } from 'vitest';
import { loadDynalite, type Store } from '../../../lib/local/dynamodb/dynalite.ts';
import { executeOperation } from '../../../lib/local/dynamodb/operation.ts';
import { seededRandom } from '../../../lib/local/gateway/index.ts';

const dynalite = loadDynalite();
const stores: Store[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.lifecycleManager.gracefulClose();
});

type Run = (operation: string, input: Record<string, unknown>) => Promise<unknown>;

/** A table, and what an operation answers, its capacity included. */
async function tableOf(sortKey?: string): Promise<Run> {
  const store = dynalite.create({ createTableMs: 0 });
  stores.push(store);
  const names = ['p', ...(sortKey === undefined ? [] : [sortKey])];
  const run: Run = async (operation, input) => {
    const { capacity, ...answer } = await executeOperation(dynalite, store, operation, {
      TableName: 'rows',
      ...input,
    });
    return { ...(JSON.parse(JSON.stringify(answer)) as object), capacity: [...capacity()] };
  };
  await run('CreateTable', {
    KeySchema: names.map((AttributeName, index) => ({ AttributeName, KeyType: index ? 'RANGE' : 'HASH' })),
    AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    BillingMode: 'PAY_PER_REQUEST',
  });
  for (;;) {
    const { body } = (await run('DescribeTable', {})) as { body: { Table: { TableStatus: string } } };
    if (body.Table.TableStatus === 'ACTIVE') return run;
  }
}

/** Members with which dynalite serves the request, and answers the same. */
const byDynalite: Record<string, Record<string, unknown>> = {
  GetItem: { ReturnConsumedCapacity: 'NONE' },
  Query: { Select: 'ALL_ATTRIBUTES' },
};

async function expectSame(run: Run, operation: string, input: Record<string, unknown>): Promise<void> {
  const served = await run(operation, { ...input, ...byDynalite[operation] });
  // The first use of an expression is dynalite's.
  await run(operation, input);
  const plain = await run(operation, input);
  expect(plain, JSON.stringify(input).slice(0, 500)).toEqual(served);
}

const S = (value: string) => ({ S: value });

test('plain reads answer as dynalite does', async () => {
  const run = await tableOf('s');
  const random = seededRandom(7);
  const texts = ['a', 'b', 'é', '\u{1f600}', 'a\0b', 'zz', '~', '/', 'a/b', ' '];
  const any = (): string => texts[Math.floor(random() * texts.length)] ?? 'a';
  for (let index = 0; index < 160; index += 1)
    await run('PutItem', {
      Item: {
        p: S(any()),
        s: S(`${any()}${index % 40}`),
        n: { N: `${index}` },
        text: S('x'.repeat(index * 20)),
      },
    });
  for (const p of texts) {
    await expectSame(run, 'GetItem', {
      Key: { p: S(p), s: S(`a${texts.indexOf(p)}`) },
      ConsistentRead: true,
    });
    for (const Limit of [undefined, 1, 2, 7, 100, 1_000]) {
      const part = { ...(Limit === undefined ? {} : { Limit }), ConsistentRead: random() < 0.5 };
      await expectSame(run, 'Query', {
        KeyConditionExpression: '#p = :p',
        ExpressionAttributeNames: { '#p': 'p' },
        ExpressionAttributeValues: { ':p': S(p) },
        ...part,
      });
      const bounds = [any(), `${any()}9`].sort((one, other) =>
        Buffer.compare(Buffer.from(one), Buffer.from(other)),
      );
      await expectSame(run, 'Query', {
        KeyConditionExpression: '#p = :p AND s BETWEEN :from AND :to',
        ExpressionAttributeNames: { '#p': 'p' },
        ExpressionAttributeValues: { ':p': S(p), ':from': S(bounds[0] ?? ''), ':to': S(bounds[1] ?? '') },
        ...part,
      });
    }
  }
});

test('large and long answers, and what is not allowed, are those of dynalite', async () => {
  const run = await tableOf('s');
  for (let index = 0; index < 130; index += 1)
    await run('PutItem', { Item: { p: S('many'), s: S(`${1000 + index}`) } });
  for (let index = 0; index < 4; index += 1)
    await run('PutItem', { Item: { p: S('large'), s: S(`${index}`), text: S('x'.repeat(350_000)) } });
  const of = (p: unknown, more: object = {}) => ({
    KeyConditionExpression: 'p = :p',
    ExpressionAttributeValues: { ':p': p },
    ...more,
  });
  await expectSame(run, 'Query', of(S('many')));
  await expectSame(run, 'Query', of(S('many'), { Limit: 129 }));
  await expectSame(run, 'Query', of(S('large')));
  for (const wrong of [S(''), S('x'.repeat(3_000)), { N: '1' }, { S: 'a', N: '1' }, 'a', null])
    await expectSame(run, 'Query', of(wrong));
  await expectSame(run, 'Query', of(S('a'), { Limit: 0 }));
  await expectSame(run, 'Query', { ...of(S('a')), ExpressionAttributeNames: { '#unused': 'p' } });
  await expectSame(run, 'Query', {
    KeyConditionExpression: 'p = :p',
    ExpressionAttributeValues: { ':p': S('a'), ':unused': S('b') },
  });
  await expectSame(run, 'Query', {
    KeyConditionExpression: 'p = :p AND s BETWEEN :to AND :from',
    ExpressionAttributeValues: { ':p': S('a'), ':from': S('a'), ':to': S('b') },
  });
  for (const Key of [
    {},
    { p: S('a') },
    { p: S('a'), s: S('') },
    { p: S('a'), s: { N: '1' } },
    { p: S('a'), x: S('a') },
  ])
    await expectSame(run, 'GetItem', { Key });
  await expectSame(run, 'GetItem', { TableName: 'none', Key: { p: S('a') } });
});

test('tables with a partition key alone', async () => {
  const run = await tableOf();
  await run('PutItem', { Item: { p: S('a'), text: S('é') } });
  for (const p of ['a', 'b']) await expectSame(run, 'GetItem', { Key: { p: S(p) } });
});

test('writes of a known kind are refused for their values as before', async () => {
  const run = await tableOf();
  const put = (Item: object, more: object = {}) => run('PutItem', { Item, ...more });
  const set = (x: unknown) =>
    run('UpdateItem', {
      Key: { p: S('a') },
      UpdateExpression: 'SET x = :x',
      ExpressionAttributeValues: { ':x': x },
    });
  const values = [
    { N: 'many' },
    { SS: [] },
    { SS: ['a', 'a'] },
    { N: 1 },
    { S: 'a', N: '1' },
    { B: 'not base64' },
    { X: 'a' },
    { S: 'x'.repeat(410_000) },
    {},
  ];
  const answers = async () => [
    ...(await Promise.all(values.map((x) => put({ p: S('a'), x })))),
    ...(await Promise.all(values.map(set))),
    await put({ q: S('a') }),
    await put({ p: S('b') }, { ReturnValues: 'SOME' }),
    await put({ p: S('b') }, { ConditionExpression: 'attribute_not_exists(' }),
  ];
  const first = await answers();
  for (const x of [S('a'), { N: '1' }, { SS: ['a'] }, { B: 'YQ==' }, { L: [S('a')] }, { M: { y: S('a') } }])
    for (let time = 0; time < 2; time += 1) {
      expect(await put({ p: S('a'), x })).toMatchObject({ statusCode: 200 });
      expect(await set(x)).toMatchObject({ statusCode: 200 });
    }
  await put({ p: S('b') });
  expect((await answers()).map(withoutCapacity)).toEqual(first.map(withoutCapacity));
});

/** Capacity depends on the row that is there. */
function withoutCapacity(answer: unknown): unknown {
  return { ...(answer as object), capacity: undefined };
}
