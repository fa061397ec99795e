import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDynamoClient } from '../../../lib/aws/dynamodb.ts';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { AwsError } from '../../../lib/local/aws-json.ts';
import { type Engine, openEngine } from '../../../lib/local/dynamodb/index.ts';
import { createGate, type Interception, intercept } from '../../../lib/local/dynamodb/intercept.ts';

let engine: Engine;
const TableName = 'gated';
beforeAll(async () => {
  engine = await openEngine();
  await engine.createTables({ gated: { partitionKey: 'id' } }, { gated: TableName });
});
afterAll(() => engine.close());

const clientWith = (hooks: Interception) =>
  createDynamoClient({
    region: 'eu-west-1',
    credentials: localCredentials,
    requestHandler: intercept(engine.requestHandler, hooks),
  });
const put = (id: string, by: string) =>
  new PutItemCommand({ TableName, Item: { id: { S: id }, by: { S: by } } });
const writerOf = async (id: string) =>
  (await clientWith({}).send(new GetItemCommand({ TableName, Key: { id: { S: id } } }))).Item?.by?.S;

test('a gate reorders calls', async () => {
  const gate = createGate();
  const client = clientWith({ before: gate.hold });
  const first = client.send(put('order', 'first'));
  const heldFirst = await gate.next();
  const second = client.send(put('order', 'second'));
  const heldSecond = await gate.next(({ operation }) => operation === 'PutItem');
  expect(heldSecond).toMatchObject({ operation: 'PutItem', tables: [TableName], input: { TableName } });
  heldSecond.release();
  await second;
  expect(await writerOf('order')).toBe('second');
  heldFirst.release();
  await first;
  expect(await writerOf('order')).toBe('first');
  gate.open();
  await client.send(put('order', 'third'));
  expect(await writerOf('order')).toBe('third');
});

test('a call fails before it reaches the store, or after it took effect', async () => {
  const refused = clientWith({
    before: () => {
      throw new AwsError('AccessDeniedException', 'no');
    },
  });
  await expect(refused.send(put('before', 'x'))).rejects.toMatchObject({ name: 'AccessDeniedException' });
  expect(await writerOf('before')).toBeUndefined();

  const lost = clientWith({
    after: () => {
      throw new Error('the connection broke');
    },
  });
  await expect(lost.send(put('after', 'x'))).rejects.toThrow('the connection broke');
  expect(await writerOf('after')).toBe('x');
});

test('the client retries a throttled call', async () => {
  let attempts = 0;
  const client = clientWith({
    before: () => {
      attempts += 1;
      if (attempts === 1) throw new AwsError('ThrottlingException', 'slow down');
    },
  });
  await client.send(put('throttled', 'x'));
  expect(attempts).toBe(2);
  expect(await writerOf('throttled')).toBe('x');
});
