import { connect } from 'node:net';
import { join } from 'node:path';
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { createDynamoClient } from '../../../lib/aws/dynamodb.ts';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { createManualClock } from '../../../lib/local/clock.ts';
import { EngineOpenError, openEngine } from '../../../lib/local/dynamodb/index.ts';
import { tableSchemas } from '../../../lib/store/schema.ts';
import { cleanups, clientOf, names, openTables, temporaryDirectory } from './engine.ts';

describe('expired rows', () => {
  test('are swept every minute of the clock; rows that are live or have no valid time stay', async () => {
    const clock = createManualClock();
    const { engine, client } = await openTables({ clock });
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
  test('keeps tables and rows across a restart', async () => {
    const directory = await temporaryDirectory();
    const first = await openEngine({ directory });
    expect(first.persistent).toBe(true);
    await first.createTables(tableSchemas, names);
    await clientOf(first).send(
      new PutItemCommand({ TableName: names.tenants, Item: { tenant: { S: 'demo' }, part: { S: 'meta' } } }),
    );
    await first.keyValueStore('queue').put('a', { n: 1 });
    await first.close();

    const { client, engine } = await openTables({ directory });
    const { Item } = await client.send(
      new GetItemCommand({ TableName: names.tenants, Key: { tenant: { S: 'demo' }, part: { S: 'meta' } } }),
    );
    expect(Item).toEqual({ tenant: { S: 'demo' }, part: { S: 'meta' } });
    expect(await engine.keyValueStore('queue').entries()).toEqual([['a', { n: 1 }]]);
    expect(await engine.keyValueStore('other').entries()).toEqual([]);
  });

  test('is locked by one engine; a path that is a file is refused', async () => {
    const directory = await temporaryDirectory();
    await openTables({ directory });
    await expect(openEngine({ directory })).rejects.toMatchObject({ code: 'EMBEDDED_DYNAMODB_LOCKED' });
    const refused = openEngine({ directory: join(import.meta.dirname, 'engine.test.ts') });
    await expect(refused).rejects.toBeInstanceOf(EngineOpenError);
    await expect(refused).rejects.toMatchObject({ code: 'EMBEDDED_DYNAMODB_UNUSABLE' });
  });
});

describe('over TCP', () => {
  test('another client reads the same rows; aborted, oversized and malformed requests affect no other', async () => {
    const { engine, client } = await openTables();
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
    const { engine } = await openTables();
    const { port } = await engine.listen();
    await expect(engine.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
