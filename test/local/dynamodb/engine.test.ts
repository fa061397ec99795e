import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { tableSchemas } from '../../../lib/store/schema.ts';
import { names, openTables } from './engine.ts';

const row = (client: string, extra = {}) => ({ filter: { S: 't/a/+' }, client: { S: client }, ...extra });

describe('the embedded engine', () => {
  test('creates all tables as active; createTables may be repeated', async () => {
    const { engine, client } = await openTables();
    await engine.createTables(tableSchemas, names);
    const { TableNames } = await client.send(new ListTablesCommand({}));
    expect(TableNames?.toSorted()).toEqual(Object.values(names).toSorted());
    const { Table } = await client.send(new DescribeTableCommand({ TableName: names.sessions }));
    expect(Table?.TableStatus).toBe('ACTIVE');
    expect(Table?.KeySchema).toEqual([
      { AttributeName: 'session', KeyType: 'HASH' },
      { AttributeName: 'kind', KeyType: 'RANGE' },
    ]);
  });

  test('keeps sparse indexes of keys: pages, order, and rows that leave the index', async () => {
    const { client } = await openTables();
    const TableName = names.sessions;
    const put = (session: string, kind: string, extra = {}) =>
      client.send(
        new PutItemCommand({ TableName, Item: { session: { S: session }, kind: { S: kind }, ...extra } }),
      );
    for (const name of ['t/c', 't/a', 't/b'])
      await put(name, 'session', { tenant: { S: 't' }, seq: { N: '1' } });
    await put('t/a', 'sub#x');
    await put('u/a', 'session', { tenant: { S: 'u' } });
    const page = (ExclusiveStartKey?: Record<string, AttributeValue>) =>
      client.send(
        new QueryCommand({
          TableName,
          IndexName: 'byTenant',
          KeyConditionExpression: 'tenant = :tenant',
          ExpressionAttributeValues: { ':tenant': { S: 't' } },
          Limit: 2,
          ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
        }),
      );
    const first = await page();
    const keys = (session: string) => ({
      tenant: { S: 't' },
      session: { S: session },
      kind: { S: 'session' },
    });
    expect(first.Items).toEqual([keys('t/a'), keys('t/b')]);
    expect((await page(first.LastEvaluatedKey)).Items).toEqual([keys('t/c')]);

    await put('t/a', 'session', { tenant: { S: 't' }, seq: { N: '2' } });
    await client.send(
      new DeleteItemCommand({ TableName, Key: { session: { S: 't/b' }, kind: { S: 'session' } } }),
    );
    expect((await page()).Items).toEqual([keys('t/a'), keys('t/c')]);
  });

  test('puts, gets, updates, deletes, and queries pages in the order of UTF-8 bytes, both ways', async () => {
    const { client } = await openTables();
    const TableName = names.subscriptions;
    for (const key of ['b', 'a', 'é', '😀', 'ab', '￿']) {
      await client.send(new PutItemCommand({ TableName, Item: row(key, { qos: { N: '1' } }) }));
    }
    await client.send(
      new PutItemCommand({ TableName, Item: { filter: { S: 't/b' }, client: { S: 'other' } } }),
    );
    const query = {
      TableName,
      KeyConditionExpression: '#f = :f',
      ExpressionAttributeNames: { '#f': 'filter' },
      ExpressionAttributeValues: { ':f': { S: 't/a/+' } },
    };
    const found: (string | undefined)[] = [];
    let start: Record<string, { S: string }> | undefined;
    do {
      const page = await client.send(
        new QueryCommand({ ...query, Limit: 4, ...(start ? { ExclusiveStartKey: start } : {}) }),
      );
      found.push(...(page.Items ?? []).map((item) => item.client?.S));
      start = page.LastEvaluatedKey as typeof start;
    } while (start);
    expect(found).toEqual(['a', 'ab', 'b', 'é', '￿', '😀']);

    const backwards = await client.send(new QueryCommand({ ...query, ScanIndexForward: false, Limit: 2 }));
    expect(backwards.Items?.map((item) => item.client?.S)).toEqual(['😀', '￿']);
    const range = await client.send(
      new QueryCommand({
        ...query,
        KeyConditionExpression: '#f = :f AND #c BETWEEN :from AND :to',
        ExpressionAttributeNames: { '#f': 'filter', '#c': 'client' },
        ExpressionAttributeValues: { ':f': { S: 't/a/+' }, ':from': { S: 'ab' }, ':to': { S: 'é' } },
      }),
    );
    expect(range.Items?.map((item) => item.client?.S)).toEqual(['ab', 'b', 'é']);

    const updated = await client.send(
      new UpdateItemCommand({
        TableName,
        Key: row('a'),
        UpdateExpression: 'ADD n :one SET x = if_not_exists(x, :one)',
        ExpressionAttributeValues: { ':one': { N: '1' } },
        ReturnValues: 'ALL_NEW',
      }),
    );
    expect(updated.Attributes).toEqual(row('a', { qos: { N: '1' }, n: { N: '1' }, x: { N: '1' } }));
    await client.send(new DeleteItemCommand({ TableName, Key: row('a') }));
    expect((await client.send(new GetItemCommand({ TableName, Key: row('a') }))).Item).toBeUndefined();
  });

  test('pages through more rows than one fetch, and reads and writes batches', async () => {
    const { client } = await openTables();
    const TableName = names.subscriptions;
    const keys = Array.from({ length: 250 }, (_, index) => row(String(index).padStart(4, '0')));
    for (let from = 0; from < keys.length; from += 25) {
      const requests = keys.slice(from, from + 25).map((Item) => ({ PutRequest: { Item } }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
    }
    const all = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: '#f = :f',
        ExpressionAttributeNames: { '#f': 'filter' },
        ExpressionAttributeValues: { ':f': { S: 't/a/+' } },
      }),
    );
    expect(all.Items).toEqual(keys);
    expect(all.LastEvaluatedKey).toBeUndefined();
    const batch = await client.send(
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: keys.slice(10, 20) } } }),
    );
    expect(batch.Responses?.[TableName]).toHaveLength(10);
  });

  test('lets exactly one of many conditional writers win, and returns the stored item to the others', async () => {
    const { client } = await openTables();
    const attempts = await Promise.allSettled(
      Array.from({ length: 50 }, (_, writer) =>
        client.send(
          new PutItemCommand({
            TableName: names.connections,
            Item: { address: { S: 'c1' }, writer: { N: String(writer) } },
            ConditionExpression: 'attribute_not_exists(address)',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        ),
      ),
    );
    const winners = attempts.flatMap(({ status }, writer) => (status === 'fulfilled' ? [writer] : []));
    expect(winners).toHaveLength(1);
    for (const attempt of attempts) {
      if (attempt.status === 'fulfilled') continue;
      expect(attempt.reason).toMatchObject({
        name: 'ConditionalCheckFailedException',
        Item: { address: { S: 'c1' }, writer: { N: String(winners[0]) } },
      });
    }
  });

  test('refuses unknown operations and malformed requests, and continues to serve', async () => {
    const { engine, client } = await openTables();
    const call = async (target: string, body: string) => {
      const { response } = await engine.requestHandler.handle({
        method: 'POST',
        headers: { 'x-amz-target': `DynamoDB_20120810.${target}` },
        body,
      });
      return { statusCode: response.statusCode, ...JSON.parse(Buffer.from(response.body).toString()) };
    };
    expect(await call('TransactWriteItems', '{}')).toMatchObject({
      statusCode: 400,
      __type: expect.stringContaining('UnknownOperationException'),
    });
    for (const body of ['', 'null', '[]', '{"TableName":', '"x"']) {
      expect(await call('GetItem', body)).toMatchObject({
        statusCode: 400,
        __type: expect.stringContaining('SerializationException'),
      });
    }
    expect(await call('GetItem', '{"TableName":"missing-table","Key":{"a":{"S":"x"}}}')).toMatchObject({
      statusCode: 400,
      __type: expect.stringContaining('ResourceNotFoundException'),
    });
    await expect(
      client.send(new GetItemCommand({ TableName: names.connections, Key: { wrong: { S: 'x' } } })),
    ).rejects.toMatchObject({ name: 'ValidationException' });
    expect((await client.send(new ListTablesCommand({}))).TableNames).toHaveLength(Object.keys(names).length);
  });
});
