import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDynamoClient } from '../../lib/aws/dynamodb.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { metrics } from '../../lib/core/metrics.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import type { TenantId } from '../../lib/core/tenant-id.ts';
import { presenceTopic } from '../../lib/sessions/presence.ts';
import { connectPacket, type Metered, startMetered } from '../bench/metered.ts';
import { openRaw, type RawClient } from '../support/raw-client.ts';
import { localTables, type Mint } from '../support/service.ts';
import { subscribe, unsubscribe } from './packets.ts';

const { maxShapes, shapesPerClient, tenantSettleSeconds } = defaultSettings;
let metered: Metered;
let database: DynamoDBClient | undefined;
beforeEach(async () => {
  metered = await startMetered({}, (requestHandler) => {
    database = createDynamoClient({ region: 'us-east-1', credentials: localCredentials, requestHandler });
  });
});
afterEach(() => metered.close());

/** Filters of many shapes, each with a literal first level. */
const form = (index: number): string =>
  Array.from({ length: 7 }, (_, level) => ((index >> level) & 1 ? '+' : `l${index}`)).join('/');
const forms = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => form((from + index) * 2));

async function shapesOf(mint: Mint) {
  const stored = await metered.service.stores.tenants.readShapes(mint.tenant as TenantId);
  return { shapes: [...(stored?.shapes ?? [])].sort(), going: stored?.going.map(({ shape }) => shape) ?? [] };
}

async function granted(client: RawClient, ...filters: string[]): Promise<readonly number[]> {
  const [reply] = await client.send(subscribe(1, ...filters));
  return (reply as unknown as { granted: number[] }).granted;
}

async function pass(seconds: number): Promise<void> {
  await metered.clock.advance(seconds * 1000);
  await metered.service.queues.idle();
}

test('64 ordinary shapes cost the presence of a client nothing', async () => {
  const mint = await metered.service.tenant('acme', { quotas: { shapesPerClient: maxShapes } });
  const comeAndGo = () =>
    metered.measure(async () => {
      const client = await openRaw(metered.service.url, { version: 5 });
      await client.send(await connectPacket(mint, 'visitor'));
      await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
    });
  await comeAndGo();
  const before = await comeAndGo();
  const other = await metered.connect(mint, 'other');
  const deep = Array.from({ length: maxShapes }, (_, index) =>
    ['x', ...Array.from({ length: 5 }, (_level, level) => ((index >> level) & 1 ? '+' : 'y'))]
      .join('/')
      .concat(index < 32 ? '' : '/#'),
  );
  expect(new Set(await granted(other, ...deep))).toEqual(new Set([0]));
  const after = await comeAndGo();
  expect(after.readUnits).toBe(before.readUnits);
  expect(after.readUnits).toBeLessThanOrEqual(10);
});

test('one client that asks for every shape leaves room for the others', async () => {
  const mint = await metered.service.tenant('acme');
  const mallory = await metered.connect(mint, 'mallory');
  const codes = await granted(mallory, ...forms(0, 64).map((filter) => `u/mallory/${filter}`));
  expect(codes.filter((code) => code === 0)).toHaveLength(shapesPerClient);
  expect(codes.slice(shapesPerClient)).toEqual(codes.slice(shapesPerClient).map(() => 0x97));
  expect(metered.service.counters.get(metrics.subscriptionsOverQuota)).toBe(64 - shapesPerClient);
  const other = await metered.connect(mint, 'other');
  expect(await granted(other, 'a/b', '#', '+/status')).toEqual([0, 0, 0]);
  // A shape that the tenant has costs nothing more.
  expect(await granted(mallory, 'u/x', 'u/mallory/a/b/c/+/+/+/+/+/+/+')).toEqual([0, 0x97]);

  const cost = await metered.measure(() => granted(mallory, 'u/mallory/a/b/c/+/+/+/+/+/+/+'));
  expect(cost.writeUnits).toBe(0);
  expect(cost.readUnits).toBeLessThanOrEqual(6);
});

test('a client that gives up every shape and asks for another is stopped for the hour', async () => {
  const mint = await metered.service.tenant('acme', { quotas: { shapes: 8, shapesPerClient: 2 } });
  const mallory = await metered.connect(mint, 'mallory');
  let served = 0;
  for (const filter of forms(1, 9)) {
    const [code] = await granted(mallory, filter);
    if (code === 0) served += 1;
    await mallory.send(unsubscribe(2, filter));
  }
  expect(served).toBe(3 * 2);
  const other = await metered.connect(mint, 'other');
  expect(await granted(other, 'a', '#')).toEqual([0, 0]);
});

test('forms that clients use and give up are free again at once, and removed after a while', async () => {
  const mint = await metered.service.tenant('acme', { quotas: { shapes: 8, shapesPerClient: 2 } });
  const all = forms(1, 16);
  for (let round = 0; round < 3; round += 1) {
    const client = await metered.connect(mint, `client-${round}`);
    for (const filter of all.slice(round * 5, round * 5 + 5)) {
      expect(await granted(client, filter), filter).toEqual([0]);
      await client.send(unsubscribe(2, filter));
    }
  }
  expect((await shapesOf(mint)).going).toHaveLength(8);
  await pass(60);
  const other = await metered.connect(mint, 'other', { properties: { sessionExpiryInterval: 7_200 } });
  expect(await granted(other, '#', '+/status')).toEqual([0, 0]);
  await pass(tenantSettleSeconds);
  await pass(1);
  expect((await shapesOf(mint)).going).toEqual([]);
  // What is left is searched for a while after the day's first new shape.
  for (let minute = 0; minute < 17; minute += 1) await pass(60);
  expect(await shapesOf(mint)).toEqual({ shapes: ['#', '+/='], going: [] });
  expect(metered.service.counters.get(metrics.shapesRemoved)).toBe(all.length);
});

test('a tenant that uses all its shapes is searched at most once a minute', async () => {
  const mint = await metered.service.tenant('acme', { quotas: { shapes: 4 } });
  const client = await metered.connect(mint, 'client');
  await granted(client, 'a', 'a/+', '+/a', '#');
  const refuse = () => metered.measure(async () => expect(await granted(client, '+/+')).toEqual([0x97]));
  await refuse();
  const cost = await refuse();
  expect(cost).toMatchObject({ writeUnits: 0, timers: 0 });
  expect(cost.readUnits).toBeLessThanOrEqual(6);
  await client.send(unsubscribe(2, '#'));
  await refuse();
  await pass(60);
  expect(await granted(client, '+/+')).toEqual([0]);
});

test('a session that ended unseen keeps no shape', async () => {
  const mint = await metered.service.tenant('acme', { quotas: { shapes: 1 } });
  const gone = await metered.connect(mint, 'gone', { properties: { sessionExpiryInterval: 3_000 } });
  await granted(gone, 'a/+');
  await gone.exchange({ cmd: 'disconnect', reasonCode: 0 });
  await pass(3_001);
  const client = await metered.connect(mint, 'client');
  expect(await granted(client, '+/b')).toEqual([0]);
});

test('the shape of a topic that goes through the fan-out queue stays', async () => {
  const mint = await metered.service.tenant('acme', { quotas: { shapes: 2 } });
  const tenant = mint.tenant as TenantId;
  const { messages, tenants } = metered.service.stores;
  await messages.noteQueuedTopic(tenant, 'a/b', metered.service.service.nowMs() + 3_600_000);
  await messages.noteQueuedTopic(tenant, 'a/b/c', metered.service.service.nowMs() - 10_000);
  await tenants.addShapes(tenant, ['=/=', '=/=/='], 2);
  const client = await metered.connect(mint, 'client');
  expect(await granted(client, '#')).toEqual([0]);
  expect(await shapesOf(mint)).toEqual({ shapes: ['#', '=/='], going: ['=/=/='] });
});

test('`$` filters of an earlier release are found, and get shapes of their own', async () => {
  const mint = await metered.service.tenant('acme', { quotas: { shapes: 4 } });
  const tenant = mint.tenant as TenantId;
  const { subscriptions, sessionSubscriptions, tenants, sessions } = metered.service.stores;
  const watcher = await metered.connect(mint, 'watcher');
  const session = await sessions.get({ tenant, clientId: 'watcher' });
  const filter = `$SYS/tenants/acme/clients/+/connected`;
  const shape = '=/=/=/=/+/=';
  // Rows as an earlier release wrote them.
  const generation = session?.generation ?? '';
  await sessionSubscriptions.put({ tenant, clientId: 'watcher' }, filter, generation, 0);
  await subscriptions.put(tenant, {
    clientId: 'watcher',
    filter,
    generation,
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
  });
  await tenants.addShape(tenant, shape, maxShapes);
  for (const part of ['live#0', 'live#1', 'live#2', 'live#3'])
    await database?.send(
      new UpdateItemCommand({
        TableName: localTables.tenants,
        Key: { tenant: { S: tenant }, part: { S: part } },
        UpdateExpression: 'REMOVE dollarApart',
      }),
    );
  const heard = async (clientId: string) => {
    await metered.connect(mint, clientId);
    const { pushes } = await watcher.exchange({ cmd: 'pingreq' });
    expect(pushes).toMatchObject([{ topic: presenceTopic(tenant, clientId, 'connected') }]);
  };
  await heard('first');
  const other = await metered.connect(mint, 'other');
  await watcher.exchange({ cmd: 'pingreq' });
  // No room: the walk that looks for unused shapes gives the filter its own.
  expect(await granted(other, 'a', 'a/b', '#')).toEqual([0, 0, 0]);
  expect(await granted(other, '+')).toEqual([0x97]);
  expect(await tenants.readShapes(tenant)).toMatchObject({ dollarApart: true });
  expect((await shapesOf(mint)).shapes).toContain('$/=/=/=/+/=');
  await heard('second');
  await pass(60);
  expect(await granted(other, '+')).toEqual([0x97]);
  expect((await shapesOf(mint)).going).toEqual([shape]);
  await heard('third');
});
