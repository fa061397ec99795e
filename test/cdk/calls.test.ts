import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Access, access, accessOf } from '../../cdk/access.ts';
import { type FunctionName, functionNames } from '../../cdk/settings.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { createManualClock } from '../../lib/local/clock.ts';
import type { StoreCall } from '../../lib/local/dynamodb/call.ts';
import type { EngineRequestHandler } from '../../lib/local/dynamodb/index.ts';
import { intercept } from '../../lib/local/dynamodb/intercept.ts';
import { localTables } from '../../lib/local/service.ts';
import { tableNames } from '../../lib/store/schema.ts';
import { inbox, type Mint, startTestService, type TestService } from '../support/service.ts';

/** The function that makes a call to the store: the whole service runs in this process. */
const { running, within } = await vi.hoisted(() => import('../support/running-function.ts'));
vi.mock(import('../../functions/connect.ts'), async (original) => {
  const module = await original();
  return {
    ...module,
    createConnectHandler: within(
      'connect',
      module.createConnectHandler,
    ) as typeof module.createConnectHandler,
  };
});
vi.mock(import('../../functions/message.ts'), async (original) => {
  const module = await original();
  return {
    ...module,
    createMessageHandler: within(
      'message',
      module.createMessageHandler,
    ) as typeof module.createMessageHandler,
  };
});
vi.mock(import('../../functions/disconnect.ts'), async (original) => {
  const module = await original();
  const handler = within('disconnect', module.createDisconnectHandler);
  return { ...module, createDisconnectHandler: handler as typeof module.createDisconnectHandler };
});
vi.mock(import('../../functions/timer.ts'), async (original) => {
  const module = await original();
  return {
    ...module,
    createTimerHandler: within('timer', module.createTimerHandler) as typeof module.createTimerHandler,
  };
});

vi.mock(import('../../functions/fanout.ts'), async (original) => {
  const module = await original();
  return {
    ...module,
    createFanoutHandler: within('fanout', module.createFanoutHandler) as typeof module.createFanoutHandler,
  };
});
vi.mock(import('../../functions/admin.ts'), async (original) => {
  const module = await original();
  return {
    ...module,
    createAdminHandler: within('admin', module.createAdminHandler) as typeof module.createAdminHandler,
  };
});
vi.mock(import('../../functions/publish.ts'), async (original) => {
  const module = await original();
  const handler = within('publish', module.createPublishHandler);
  return { ...module, createPublishHandler: handler as typeof module.createPublishHandler };
});

/** `message sessions Query` → calls. That of an index is `message sessions Query byTenant`. */
const calls = new Map<string, number>();
const clock = createManualClock(Date.now());
let service: TestService;
let mint: Mint;

function record({ operation, tables, input }: StoreCall): void {
  const name = running.getStore();
  const index = typeof input.IndexName === 'string' ? ` ${input.IndexName}` : '';
  for (const kind of tableNames.filter((one) => tables.includes(localTables[one]))) {
    const call = `${name} ${kind} ${operation}${index}`;
    // Usage of other functions in this process may be due when `connect` ends; `connect` itself
    // counts none.
    if (name === 'connect' && kind === 'usage') continue;
    if (name !== undefined) calls.set(call, (calls.get(call) ?? 0) + 1);
  }
}

beforeAll(async () => {
  service = await startTestService({
    clock,
    // One slice with a batch per client. Its time is over after each batch, so it reads its
    // progress.
    settings: {
      ...defaultSettings,
      tenantSettleSeconds: 2,
      inlineAudience: 2,
      fanoutSlices: 1,
      sliceBatchClients: 1,
      sliceSeconds: 0,
    },
    wrapStore: (handler) =>
      intercept(handler as EngineRequestHandler, { before: async (call) => record(call) }),
  });
  mint = await service.tenant('calls');
  await useEverything();
});
afterAll(() => service.close());

const closed = (client: MqttClient) => new Promise<void>((resolve) => client.once('close', () => resolve()));
const will = (topic: string, delay = 0) => ({
  topic,
  payload: Buffer.from('gone'),
  qos: 1 as const,
  retain: true,
  properties: { willDelayInterval: delay },
});
const kept = { clean: false, properties: { sessionExpiryInterval: 600 } };

/** Closes every connection of this client; `$disconnect` runs. */
async function cut(client: MqttClient): Promise<void> {
  const gone = closed(client);
  client.stream.destroy();
  await gone;
}

async function useEverything(): Promise<void> {
  const watcher = await service.connect(mint, { clientId: 'watcher', keepalive: 0 });
  const seen = inbox(watcher);
  await watcher.subscribeAsync('wills/#', { qos: 1 });

  // Frames: every packet; sessions that wait, catch up, and are taken over.
  const asleep = await service.connect(mint, { clientId: 'asleep', ...kept });
  await asleep.subscribeAsync(['to/+/asleep', 'wills/#', '$share/group/to/share'], { qos: 2 });
  await asleep.endAsync();
  const sender = await service.connect(mint, { clientId: 'sender', ...kept });
  for (const qos of [0, 1, 2] as const)
    await sender.publishAsync('to/one/asleep', 'x', { qos, retain: true });
  await sender.publishAsync('to/one/asleep', '', { qos: 1, retain: true });
  await sender.publishAsync('to/large/asleep', 'x'.repeat(60_000), { qos: 2 });
  await sender.publishAsync('to/share', 'x', { qos: 1 });
  await sender.unsubscribeAsync('nothing');
  for (const text of ['long', 'short'])
    await sender.publishAsync('a/long/topic', text, { qos: 1, properties: { topicAlias: 1 } });
  const bounded = await service.tenant('bounded', { quotas: { connections: 10 } });
  await service.connect(bounded);
  const awake = await service.connect(mint, { clientId: 'asleep', ...kept });
  await awake.unsubscribeAsync('$share/group/to/share');
  const again = await service.connect(mint, { clientId: 'asleep', clean: true });
  await again.subscribeAsync(['to/+/asleep', 'to/one/asleep'], { qos: 1 });
  const byHeader = { wsOptions: { headers: { Authorization: `Bearer ${await mint()}` } } };
  await service.connect(mint, { clientId: 'by-header', ...byHeader });

  // Closed sockets.
  const sleeper = await service.connect(mint, { clientId: 'sleeper', ...kept });
  await sleeper.subscribeAsync(['wills/#', 'to/+/sleeper'], { qos: 2 });
  await sender.publishAsync('to/be/sleeper', 'x', { qos: 2 });
  await cut(sleeper);
  const ended = await service.connect(mint, { clientId: 'ended', will: will('wills/ended') });
  await ended.subscribeAsync(['a/+/b', 'c'], { qos: 1 });
  await cut(ended);
  await seen.take(1);

  // Timers: a Will's delay, and the end of a session that holds another Will.
  const delayed = await service.connect(mint, {
    clientId: 'delayed',
    will: will('wills/delayed', 5),
    ...kept,
  });
  await cut(delayed);
  const expiring = await service.connect(mint, {
    clientId: 'expiring',
    will: will('wills/expiring', 300),
    clean: false,
    properties: { sessionExpiryInterval: 30 },
  });
  await expiring.subscribeAsync(['a/+/b', 'wills/delayed'], { qos: 1 });
  await cut(expiring);
  const move = async () => {
    await clock.advance(1_000);
    expect(seen.received.map(({ topic }) => topic)).toEqual(['wills/delayed', 'wills/expiring']);
  };
  await vi.waitFor(move, { timeout: 20_000, interval: 50 });
  await useAllShapes();
  await useLargeAudiences();
  await useHttp();
}

/** A SUBSCRIBE that finds no room for a shape looks for those that nobody uses. */
async function useAllShapes(): Promise<void> {
  const full = await service.connect(await service.tenant('full', { quotas: { shapes: 1 } }));
  await full.subscribeAsync('+/a');
  await full.unsubscribeAsync('+/a');
  await full.subscribeAsync('b/+');
}

/** Every function that publishes does so to a topic whose audience takes the fan-out queue. */
async function useLargeAudiences(): Promise<void> {
  const crowd = await service.tenant('crowd');
  const members = await Promise.all(
    ['one', 'two', 'three'].map((clientId) => service.connect(crowd, { clientId, ...kept })),
  );
  for (const member of members) await member.subscribeAsync('+/crowd', { qos: 1 });
  const [first, second] = members;
  // Near the limit, and above it.
  await second?.unsubscribeAsync('+/crowd');
  await first?.publishAsync('near/crowd', 'x');
  await second?.subscribeAsync('+/crowd', { qos: 1 });
  const retained = { qos: 1 as const, retain: true };
  for (const topic of ['a/crowd', 'b/crowd']) await first?.publishAsync(topic, 'x'.repeat(2_000), retained);
  const dying = (topic: string, delay: number) => ({
    clientId: topic,
    will: will(topic, delay),
    clean: false,
    properties: { sessionExpiryInterval: 30 },
  });
  await cut(await service.connect(crowd, dying('c/crowd', 0)));
  await cut(await service.connect(crowd, dying('d/crowd', 5)));
  await clock.advance(6_000);
  await service.queues.idle();
  const message = { topic: 'e/crowd', payload: 'x', qos: 1 };
  await fetch(`${service.adminUrl}/tenants/crowd/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [message] }),
  });
  await fetch(`${service.publishUrl}/f/crowd?qos=1`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await crowd()}` },
    body: 'x',
  });
  await service.queues.idle();
}

/** Publishing over HTTP, every resource of the admin API, and the end of a tenant. */
async function useHttp(): Promise<void> {
  const temporary = await service.tenant('temporary', { quotas: { retainedMessages: 100 } });
  for (const clientId of ['a', 'b', 'c']) {
    const client = await service.connect(temporary, { clientId, ...kept });
    await client.subscribeAsync('#', { qos: 1 });
  }
  const headers = { authorization: `Bearer ${await temporary()}` };
  for (const [topic, body] of [
    ['t', 'x'],
    ['t', ''],
    ['u', 'x'],
    ['w', 'x'],
  ])
    await fetch(`${service.publishUrl}/${topic}?qos=1&retain=true`, {
      method: 'POST',
      headers,
      body: body ?? '',
    });
  const admin = (method: string, path: string, body?: object) =>
    fetch(`${service.adminUrl}/tenants${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  await admin('PUT', '/made', {});
  const messages = [
    { topic: 'v', payload: 'x', qos: 1, retain: true },
    { topic: 'v', retain: true },
  ];
  for (const message of messages) await admin('POST', '/temporary/publish', { messages: [message] });
  for (const path of ['', '/temporary', '/temporary/clients', '/temporary/client?clientId=c'])
    await admin('GET', path);
  for (const path of ['subscribers?topic=u', 'retained', 'retained/message?topic=u', 'usage'])
    await admin('GET', `/temporary/${path}`);
  await admin('DELETE', '/temporary/retained/message?topic=u');
  await admin('PUT', '/temporary/client/trace?clientId=c', {});
  await admin('PUT', '/temporary/client/trace?clientId=unknown', {});
  await admin('DELETE', '/temporary/client/trace?clientId=c');
  await admin('POST', '/temporary/observers', { filters: ['#'] });
  const observers = await admin('GET', '/temporary/observers');
  const [observer] = ((await observers.json()) as { observers: { clientId: string }[] }).observers;
  await admin('DELETE', `/temporary/observers/${observer?.clientId}`);
  await admin('POST', '/temporary/client/disconnect?clientId=c');
  await admin('POST', '/temporary/revoke', { subject: 'nobody' });
  await admin('DELETE', '/temporary');
  const gone = async () => {
    await clock.advance(1_000);
    expect((await admin('GET', '/temporary')).status).toBe(404);
  };
  await vi.waitFor(gone, { timeout: 20_000, interval: 20 });
}

const used = (name: FunctionName) =>
  [...calls.keys()].filter((call) => call.startsWith(`${name} `)).map((call) => call.slice(name.length + 1));
const granted = ({ tables, indexes = {} }: Access) => [
  ...Object.entries(tables).flatMap(([kind, actions]) => actions.map((action) => `${kind} ${action}`)),
  ...Object.entries(indexes).flatMap(([kind, names]) => names.map((name) => `${kind} Query ${name}`)),
];
/** The local service has rules. */
const withRules = (name: FunctionName) => granted(accessOf(name, { edge: false, rules: true }));

/** In this process all functions share one cache. In Lambda each reads these rows itself. */
const otherProcesses = ['messages BatchGetItem'];

describe('calls and grants', () => {
  test.each(functionNames)('%s calls something, and nothing that it is not granted', (name) => {
    const refused = used(name).filter((call) => !withRules(name).includes(call));
    expect(refused).toEqual([]);
    expect(used(name).length).toBeGreaterThan(0);
  });

  test('nothing is granted that no function calls', () => {
    const called = new Set([...functionNames.flatMap(used), ...otherProcesses]);
    const idle = new Set(
      functionNames.flatMap((name) => granted(access[name])).filter((grant) => !called.has(grant)),
    );
    expect([...idle]).toEqual([]);
  });
});
