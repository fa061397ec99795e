import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, test } from 'vitest';
import { createDynamoClient } from '../../../lib/aws/dynamodb.ts';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { createManualClock } from '../../../lib/local/clock.ts';
import {
  type Engine,
  EngineOpenError,
  type EngineOptions,
  openEngine,
} from '../../../lib/local/dynamodb/index.ts';
import { tableSchemas } from '../../../lib/store/schema.ts';

const names = {
  messages: 'test-messages',
  usage: 'test-usage',
  connections: 'test-connections',
  sessions: 'test-sessions',
  subscriptions: 'test-subscriptions',
  retained: 'test-retained',
  tenants: 'test-tenants',
};

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(options: EngineOptions = {}): Promise<{ engine: Engine; client: DynamoDBClient }> {
  const engine = await openEngine(options);
  cleanups.push(() => engine.close());
  await engine.createTables(tableSchemas, names);
  return { engine, client: clientOf(engine) };
}

function clientOf(engine: Engine): DynamoDBClient {
  return createDynamoClient({
    region: 'eu-west-1',
    credentials: localCredentials,
    requestHandler: engine.requestHandler,
  });
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wisp-dynamodb-'));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const row = (client: string, extra = {}) => ({ filter: { S: 't/a/+' }, client: { S: client }, ...extra });

describe('the embedded engine', () => {
  test('has every table, active at once, after createTables, which may be repeated', async () => {
    const { engine, client } = await open();
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
    const { client } = await open();
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
    const { client } = await open();
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
    const { client } = await open();
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

  test('lets exactly one of many conditional writers win, and shows the losers the item that stands', async () => {
    const { client } = await open();
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

  test('refuses what it does not know or cannot read, and goes on', async () => {
    const { engine, client } = await open();
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

describe('expired rows', () => {
  test('are swept every minute of the clock, live and renewed rows and rows without a time are kept', async () => {
    const clock = createManualClock();
    const { engine, client } = await open({ clock });
    const TableName = names.connections;
    const at = (seconds: number) => ({ N: String(clock.now() / 1000 + seconds) });
    await client.send(new PutItemCommand({ TableName, Item: { address: { S: 'soon' }, ttl: at(30) } }));
    await client.send(new PutItemCommand({ TableName, Item: { address: { S: 'later' }, ttl: at(90) } }));
    await client.send(new PutItemCommand({ TableName, Item: { address: { S: 'never' } } }));
    await client.send(new PutItemCommand({ TableName, Item: { address: { S: 'text' }, ttl: { S: '1' } } }));
    await client.send(
      new PutItemCommand({ TableName, Item: { address: { S: 'mistake' }, ttl: { N: '12' } } }),
    );
    const left = async () => {
      const found: string[] = [];
      for (const address of ['soon', 'later', 'never', 'text', 'mistake']) {
        const { Item } = await client.send(
          new GetItemCommand({ TableName, Key: { address: { S: address } } }),
        );
        if (Item) found.push(address);
      }
      return found;
    };
    expect(await engine.sweep()).toBe(0);
    await clock.advance(59_000);
    expect(await left()).toEqual(['soon', 'later', 'never', 'text', 'mistake']);
    await clock.advance(1_000);
    await engine.sweep();
    expect(await left()).toEqual(['later', 'never', 'text', 'mistake']);
    await clock.advance(60_000);
    await engine.sweep();
    expect(await left()).toEqual(['never', 'text', 'mistake']);
  });
});

describe('a data directory', () => {
  test('keeps tables and rows over a restart', async () => {
    const directory = await temporaryDirectory();
    const first = await openEngine({ directory });
    expect(first.persistent).toBe(true);
    await first.createTables(tableSchemas, names);
    await clientOf(first).send(
      new PutItemCommand({ TableName: names.tenants, Item: { tenant: { S: 'demo' }, part: { S: 'meta' } } }),
    );
    await first.keyValueStore('queue').put('a', { n: 1 });
    await first.close();

    const { client, engine } = await open({ directory });
    const { Item } = await client.send(
      new GetItemCommand({ TableName: names.tenants, Key: { tenant: { S: 'demo' }, part: { S: 'meta' } } }),
    );
    expect(Item).toEqual({ tenant: { S: 'demo' }, part: { S: 'meta' } });
    expect(await engine.keyValueStore('queue').entries()).toEqual([['a', { n: 1 }]]);
    expect(await engine.keyValueStore('other').entries()).toEqual([]);
  });

  test('belongs to one engine at a time, and a path that is a file is refused by name', async () => {
    const directory = await temporaryDirectory();
    await open({ directory });
    await expect(openEngine({ directory })).rejects.toMatchObject({ code: 'EMBEDDED_DYNAMODB_LOCKED' });
    const refused = openEngine({ directory: join(import.meta.dirname, 'engine.test.ts') });
    await expect(refused).rejects.toBeInstanceOf(EngineOpenError);
    await expect(refused).rejects.toMatchObject({ code: 'EMBEDDED_DYNAMODB_UNUSABLE' });
  });
});

describe('over TCP', () => {
  test('another client reads what the first wrote; aborted, oversized and senseless requests hurt nobody', async () => {
    const { engine, client } = await open();
    const { url, host, port } = await engine.listen();
    expect(host).toBe('127.0.0.1');
    const remote = createDynamoClient({ region: 'eu-west-1', credentials: localCredentials, endpoint: url });
    cleanups.push(() => remote.destroy());
    const Item = { address: { S: 'c1' } };
    await client.send(new PutItemCommand({ TableName: names.connections, Item }));

    const head = 'POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.GetItem\r\n';
    for (const request of [
      `${head}Content-Length: 100\r\n\r\n{"Table`,
      `${head}Content-Length: -1\r\n\r\n`,
      '\0',
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, host, () => socket.end(request));
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    const oversized = await fetch(url, { method: 'POST', body: Buffer.alloc(17 * 1024 * 1024) });
    expect(oversized.status).toBe(413);
    expect((await fetch(url)).status).toBe(200);
    const read = await remote.send(new GetItemCommand({ TableName: names.connections, Key: Item }));
    expect(read.Item).toEqual(Item);
  });

  test('a port in use is an error of listen', async () => {
    const { engine } = await open();
    const { port } = await engine.listen();
    await expect(engine.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
