import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDynamoClient } from '../../../lib/aws/dynamodb.ts';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { itemBytes } from '../../../lib/local/dynamodb/capacity.ts';
import { type Engine, openEngine } from '../../../lib/local/dynamodb/index.ts';
import { createMeter, type Meter, sequentialRoundTrips } from '../../../lib/local/dynamodb/meter.ts';

let engine: Engine;
let meter: Meter;
let client: DynamoDBClient;
const TableName = 'metered';
const other = 'metered-too';
const schema = { partitionKey: 'p', sortKey: 's' };

beforeAll(async () => {
  engine = await openEngine();
  meter = createMeter(engine.requestHandler);
  client = createDynamoClient({
    region: 'eu-west-1',
    credentials: localCredentials,
    requestHandler: meter.requestHandler,
  });
  await engine.createTables({ a: schema, b: schema }, { a: TableName, b: other });
});
afterAll(() => engine.close());
beforeEach(() => meter.reset());

/** An item of exactly `bytes`: 'p' + 1, 's' + key, 'd' + data. */
const itemOf = (key: string, bytes: number, p = 'x') => ({
  p: { S: p },
  s: { S: key },
  d: { S: 'a'.repeat(bytes - 2 - 1 - key.length - 1) },
});
const keyOf = (key: string, p = 'x') => ({ p: { S: p }, s: { S: key } });
const units = () => meter.calls.map(({ readUnits, writeUnits }) => [readUnits, writeUnits]);

test.each([
  ['names and strings in UTF-8', { é: { S: '😀a' } }, 2 + 5],
  ['binary as raw bytes', { b: { B: Buffer.from('abcd').toString('base64') } }, 1 + 4],
  ['a number: a byte per two digits and one', { n: { N: '12345' } }, 1 + 3 + 1],
  ['zeroes at the ends do not count, a sign does', { n: { N: '-0.0120' } }, 1 + 1 + 1 + 1],
  ['zero', { n: { N: '0' } }, 1 + 1],
  ['null and boolean', { a: { NULL: true }, b: { BOOL: false } }, 4],
  ['sets', { s: { SS: ['ab', 'é'] }, n: { NS: ['1', '22'] }, b: { BS: ['YQ=='] } }, 1 + 4 + 1 + 4 + 1 + 1],
  ['a list: 3, and 1 for each element', { l: { L: [{ S: 'ab' }, { N: '1' }] } }, 1 + 3 + (1 + 2) + (1 + 2)],
  [
    'a map: 3, and 1 for each pair',
    { m: { M: { k: { S: 'ab' }, e: { M: {} } } } },
    1 + 3 + (1 + 3) + (1 + 1 + 3),
  ],
])('size of %s', (_name, item, bytes) => {
  expect(itemBytes(item)).toBe(bytes);
});

describe('units', () => {
  test('a write costs by KB of the larger item, a failed condition by the stored item', async () => {
    await client.send(new PutItemCommand({ TableName, Item: itemOf('w', 1024) }));
    await client.send(new PutItemCommand({ TableName, Item: itemOf('w', 1025) }));
    await client.send(new PutItemCommand({ TableName, Item: itemOf('w', 3000) }));
    await client.send(new PutItemCommand({ TableName, Item: itemOf('w', 100) }));
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: keyOf('w'),
        UpdateExpression: 'SET d = :d',
        ExpressionAttributeValues: { ':d': { S: 'é'.repeat(600) } },
      }),
    );
    const fails = (Item: ReturnType<typeof itemOf>) =>
      client.send(new PutItemCommand({ TableName, Item, ConditionExpression: 'attribute_exists(nothing)' }));
    await expect(fails(itemOf('w', 5000))).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    await expect(fails(itemOf('absent', 5000))).rejects.toThrow();
    await client.send(new DeleteItemCommand({ TableName, Key: keyOf('w') }));
    await client.send(new DeleteItemCommand({ TableName, Key: keyOf('w') }));
    expect(units()).toEqual([1, 2, 3, 3, 2, 2, 1, 2, 1].map((write) => [0, write]));
    expect(meter.calls[5]).toMatchObject({
      operation: 'PutItem',
      tables: [TableName],
      error: 'ConditionalCheckFailedException',
    });
  });

  test('a read costs by 4 KB, half if eventually consistent; a missing item costs the minimum', async () => {
    await client.send(new PutItemCommand({ TableName, Item: itemOf('r', 4096) }));
    await client.send(new PutItemCommand({ TableName, Item: itemOf('R', 4097) }));
    meter.reset();
    await client.send(new GetItemCommand({ TableName, Key: keyOf('r') }));
    await client.send(new GetItemCommand({ TableName, Key: keyOf('r'), ConsistentRead: true }));
    await client.send(new GetItemCommand({ TableName, Key: keyOf('R'), ProjectionExpression: 's' }));
    await client.send(new GetItemCommand({ TableName, Key: keyOf('absent') }));
    await client.send(new GetItemCommand({ TableName, Key: keyOf('absent'), ConsistentRead: true }));
    expect(units().map(([read]) => read)).toEqual([0.5, 1, 1, 0.5, 1]);
  });

  test('a query costs the sum of its page, including filtered rows', async () => {
    for (const key of ['1', '2', '3']) {
      await client.send(new PutItemCommand({ TableName, Item: itemOf(key, 3000, 'q') }));
    }
    const query = (p: string, extra = {}) =>
      client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: 'p = :p',
          ExpressionAttributeValues: { ':p': { S: p } },
          ReturnConsumedCapacity: 'TOTAL',
          ...extra,
        }),
      );
    meter.reset();
    const all = await query('q');
    await query('q', { ConsistentRead: true });
    await query('q', { Limit: 1 });
    await query('q', { Limit: 2, ProjectionExpression: 's' });
    await query('q', { FilterExpression: 'attribute_not_exists(d)' });
    const none = await query('empty');
    await query('empty', { ConsistentRead: true });
    expect(units().map(([read]) => read)).toEqual([1.5, 3, 0.5, 1, 1.5, 0.5, 1]);
    expect(all.ConsumedCapacity).toEqual({ TableName, CapacityUnits: 1.5 });
    expect(none.ConsumedCapacity).toEqual({ TableName, CapacityUnits: 0.5 });
  });

  test('an index costs one write for a new or removed entry, two if its keys change, none if they stay', async () => {
    const indexed = 'metered-with-index';
    await engine.createTables(
      { a: { ...schema, indexes: { byGroup: { partitionKey: 'g', sortKey: 's' } } } },
      { a: indexed },
    );
    const put = (attributes: Record<string, { S: string }>) =>
      client.send(new PutItemCommand({ TableName: indexed, Item: { ...keyOf('i'), ...attributes } }));
    meter.reset();
    await put({ d: { S: 'without' } });
    await put({ g: { S: 'one' } });
    await put({ g: { S: 'one' }, d: { S: 'changed' } });
    await put({ g: { S: 'two' } });
    await client.send(
      new UpdateItemCommand({
        TableName: indexed,
        Key: keyOf('i'),
        UpdateExpression: 'SET d = :d',
        ExpressionAttributeValues: { ':d': { S: 'again' } },
      }),
    );
    await expect(
      client.send(
        new PutItemCommand({
          TableName: indexed,
          Item: { ...keyOf('i'), g: { S: 'three' } },
          ConditionExpression: 'attribute_exists(nothing)',
        }),
      ),
    ).rejects.toThrow();
    const item = (s: string) => ({ PutRequest: { Item: { ...keyOf(s), g: { S: 'two' } } } });
    await client.send(new BatchWriteItemCommand({ RequestItems: { [indexed]: [item('i'), item('j')] } }));
    await client.send(new DeleteItemCommand({ TableName: indexed, Key: keyOf('i') }));
    expect(units().map(([, write]) => write)).toEqual([1, 2, 1, 3, 1, 1, 1 + 2, 2]);
  });

  test('a batch costs the sum of its items, in all tables', async () => {
    await client.send(
      new BatchWriteItemCommand({
        RequestItems: {
          [TableName]: [
            { PutRequest: { Item: itemOf('1', 100, 'b') } },
            { PutRequest: { Item: itemOf('2', 1500, 'b') } },
            { DeleteRequest: { Key: keyOf('3', 'b') } },
          ],
          [other]: [{ PutRequest: { Item: itemOf('1', 5000, 'b') } }],
        },
      }),
    );
    const read = await client.send(
      new BatchGetItemCommand({
        RequestItems: {
          [TableName]: { Keys: ['1', '2', '3'].map((key) => keyOf(key, 'b')) },
          [other]: { Keys: [keyOf('1', 'b')], ConsistentRead: true },
        },
        ReturnConsumedCapacity: 'TOTAL',
      }),
    );
    expect(units()).toEqual([
      [0, 1 + 2 + 1 + 5],
      [1.5 + 2, 0],
    ]);
    expect(read.ConsumedCapacity).toEqual([
      { TableName, CapacityUnits: 1.5 },
      { TableName: other, CapacityUnits: 2 },
    ]);
    expect(meter.calls[1]?.tables).toEqual([TableName, other]);
    expect(meter.totals()).toEqual({ calls: 2, readUnits: 3.5, writeUnits: 9, sequentialRoundTrips: 2 });
  });
});

describe('round trips', () => {
  test('concurrent calls count as one, sequential calls each', async () => {
    const get = (key: string) => client.send(new GetItemCommand({ TableName, Key: keyOf(key) }));
    const query = () =>
      client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: 'p = :p',
          ExpressionAttributeValues: { ':p': { S: 'q' } },
        }),
      );
    await get('a');
    await Promise.all([query(), get('b'), query(), get('c').then(() => get('d'))]);
    await get('e');
    expect(meter.totals()).toMatchObject({ calls: 7, sequentialRoundTrips: 4 });
  });

  test.each([
    ['none', [], 0],
    [
      'apart',
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      3,
    ],
    [
      'all at once',
      [
        [1, 6],
        [2, 5],
        [3, 4],
      ],
      1,
    ],
    [
      'a bridge over two',
      [
        [1, 3],
        [2, 5],
        [4, 6],
      ],
      2,
    ],
    [
      'two pairs side by side',
      [
        [1, 3],
        [2, 5],
        [4, 7],
        [6, 8],
      ],
      2,
    ],
    [
      'one long beside three short',
      [
        [1, 8],
        [2, 3],
        [4, 5],
        [6, 7],
      ],
      3,
    ],
  ] as [string, [number, number][], number][])('%s', (_name, intervals, expected) => {
    expect(sequentialRoundTrips(intervals.map(([startedAt, endedAt]) => ({ startedAt, endedAt })))).toBe(
      expected,
    );
  });
});
