import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { edgeAddress, edgeAddressParts } from '../../lib/core/edge-address.ts';
import { metrics } from '../../lib/core/metrics.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { type Edge, startEdge } from '../../lib/edge/index.ts';
import { inbox, type Mint } from '../support/service.ts';
import { closeAfterTest, type Killable, startDoors } from './doors.ts';

interface Process {
  readonly edge: Edge;
  connect(options: IClientOptions): Promise<MqttClient>;
  kill: Killable['kill'];
  loseMessages: Killable['loseMessages'];
}

/** Two edges and the gateway over the same tables. */
async function twoEdges(options: Parameters<typeof startDoors>[0] = {}) {
  const doors = await startDoors(options);
  const { service, clock } = doors;
  const mint = await service.tenant('acme');
  const startProcess = async (name: string): Promise<Process> => {
    const { open, ...faults } = doors.killable(name);
    const edge = await startEdge({
      edge: name,
      log: service.service.log,
      wsPort: 0,
      compose: service.composeEdge,
      openBackDoor: open,
    });
    closeAfterTest(edge);
    return { edge, ...faults, connect: (options) => connectTo(edge, mint, options) };
  };
  const session = (clientId: string) =>
    service.stores.sessions.get({ tenant: vouchedTenantId('acme'), clientId });
  return { ...doors, clock, mint, session, a: await startProcess('A'), b: await startProcess('B') };
}

/** Messages that come with CONNACK, before anybody could listen. */
const boxes = new WeakMap<MqttClient, ReturnType<typeof inbox>>();

async function connectTo(edge: Edge, mint: Mint, options: IClientOptions): Promise<MqttClient> {
  const client = mqtt.connect(`ws://127.0.0.1:${edge.wsPort}/mqtt`, {
    forceNativeWebSocket: true,
    createWebsocket: (url, protocols) => new WebSocket(url, protocols) as never,
    username: mint.tenant,
    password: await mint({ mqtt: { publish: ['#'], subscribe: ['#', '$SYS/#'] } }),
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...options,
  });
  boxes.set(client, inbox(client));
  closeAfterTest({ close: () => client.endAsync(true) });
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
  });
  return client;
}

const will = (name: string): Pick<IClientOptions, 'will'> => ({
  will: { topic: 'will', payload: Buffer.from(name), qos: 1, retain: false },
});
const kept = { clean: false, properties: { sessionExpiryInterval: 600 } };

test('messages pass between edges and the gateway at every QoS', async () => {
  const { service, mint, a, b } = await twoEdges();
  const clients = [
    await a.connect({ clientId: 'a' }),
    await b.connect({ clientId: 'b' }),
    await service.connect(mint, { clientId: 'g' }),
  ];
  const boxes = clients.map((client) => inbox(client));
  for (const client of clients) await client.subscribeAsync('t', { qos: 2 });
  for (const [index, client] of clients.entries())
    for (const qos of [0, 1, 2] as const) await client.publishAsync('t', `${index}${qos}`, { qos });
  const all = ['00', '01', '02', '10', '11', '12', '20', '21', '22'];
  for (const box of boxes) expect((await box.take(9)).map(({ text }) => text).toSorted()).toEqual(all);
});

test('a message for many clients of another edge is one message to its back door', async () => {
  const { service, a, b } = await twoEdges({ settings: { ...defaultSettings, maxConcurrentPosts: 4 } });
  const subscribers = await Promise.all(
    Array.from({ length: 40 }, (_, index) => b.connect({ clientId: `s${index}` })),
  );
  const boxes = subscribers.map((client) => inbox(client));
  for (const client of subscribers) await client.subscribeAsync('t', { qos: 0 });
  const publisher = await a.connect({ clientId: 'p' });
  const before = service.backDoor?.gateway.meters.posts ?? 0;
  await publisher.publishAsync('t', 'x', { qos: 1 });
  for (const box of boxes) expect((await box.next()).text).toBe('x');
  expect((service.backDoor?.gateway.meters.posts ?? 0) - before).toBe(1);
});

test.each([
  ['its back door is cut', undefined, 15],
  ['nobody hears of it', 'silently' as const, 35],
])(
  'the clients of a dead edge are lost: %s',
  async (_, how, seconds) => {
    const { service, session, pass, a, b } = await twoEdges();
    const watcher = await b.connect({ clientId: 'watcher' });
    const seen = inbox(watcher);
    await watcher.subscribeAsync('will', { qos: 1 });
    await watcher.subscribeAsync('$SYS/tenants/acme/clients/+/disconnected', { qos: 1 });
    const subscriber = await a.connect({ clientId: 'sub', ...kept, ...will('sub') });
    await subscriber.subscribeAsync('t', { qos: 2 });
    await a.connect({ clientId: 'brief', ...will('brief') });
    const members = [await a.connect({ clientId: 'm1' }), await b.connect({ clientId: 'm2' })];
    for (const member of members) await member.subscribeAsync('$share/group/work', { qos: 1 });
    const worked = inbox(members[1] as MqttClient);
    const publisher = await b.connect({ clientId: 'pub' });
    expect(edgeAddressParts((await session('sub'))?.address ?? ('' as never))?.edge).toBe('A');

    await a.kill(how);
    // All acknowledged while the edge is not known to be dead.
    for (let number = 0; number < 3; number += 1) await publisher.publishAsync('t', `t${number}`, { qos: 2 });
    for (let number = 0; number < 6; number += 1)
      await publisher.publishAsync('work', `w${number}`, { qos: 1 });
    await pass(seconds);

    const told = await seen.take(5);
    expect(
      told
        .filter(({ topic }) => topic === 'will')
        .map(({ text }) => text)
        .toSorted(),
    ).toEqual(['brief', 'sub']);
    const events = told.flatMap(({ topic, text }) => (topic === 'will' ? [] : [JSON.parse(text)]));
    expect(events.map(({ clientId }) => clientId).toSorted()).toEqual(['brief', 'm1', 'sub']);
    expect(events.every(({ reason }) => JSON.stringify(reason).includes('connection-lost'))).toBe(true);
    // What waited for the member of the dead edge goes to the other one.
    expect(new Set((await worked.take(6)).map(({ text }) => text)).size).toBe(6);
    expect((await session('sub'))?.address).toBeUndefined();
    expect((await session('sub'))?.expirySeconds).toBe(600);
    expect((await session('brief'))?.swept).toBe(true);
    expect(service.counters.get(metrics.edgesDead)).toBe(1);

    const again = await b.connect({ clientId: 'sub', ...kept });
    expect((await boxes.get(again)?.take(3))?.map(({ text }) => text)).toEqual(['t0', 't1', 't2']);
  },
  60_000,
);

test('an edge that is thought dead ends its clients when it hears of it', async () => {
  const { service, pass, a } = await twoEdges();
  const client = await a.connect({ clientId: 'c' });
  const ended = new Promise<void>((resolve) => client.once('close', () => resolve()));
  const { edges } = service.service.context;
  const lease = await edges.get('A', true);
  expect(await edges.declareDead('A', lease?.renewedAtMs ?? 0)).toBe(true);
  await pass(10);
  await ended;
  expect(a.edge.connections()).toBe(0);
});

test('what a lost back door had is sent again on new connections, and other clients stay', async () => {
  const { service, pass, a, b } = await twoEdges();
  const subscriber = await a.connect({ clientId: 'sub', ...kept });
  await subscriber.subscribeAsync('t', { qos: 1 });
  const other = await a.connect({ clientId: 'other' });
  const publisher = await b.connect({ clientId: 'pub' });
  const reason = new Promise((resolve) =>
    subscriber.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
  );
  await a.loseMessages(() => publisher.publishAsync('t', 'x', { qos: 1 }));
  await pass(15);
  expect(await reason).toBe(0x8b);
  expect(service.counters.get(metrics.protocolErrors)).toBeUndefined();
  expect(other.connected).toBe(true);
  const again = await a.connect({ clientId: 'sub', ...kept });
  expect(await boxes.get(again)?.next()).toMatchObject({ text: 'x', dup: true });
});

test('what comes for channels that never were harms nobody', async () => {
  const { service, a } = await twoEdges();
  const client = await a.connect({ clientId: 'c' });
  await client.subscribeAsync('t', { qos: 0 });
  const { gateway } = service.service.context;
  for (const channel of [1, 7_000, Number.MAX_SAFE_INTEGER]) {
    expect(await gateway.post(edgeAddress('A', channel), 'MAUAAXRoaQ==')).toBe('sent');
    await gateway.close(edgeAddress('A', channel));
  }
  await client.publishAsync('t', 'still here');
  expect((await boxes.get(client)?.next())?.text).toBe('still here');
});

test('an edge that stops is gone at once, and its clients are reached where they go', async () => {
  const { service, session, a, b } = await twoEdges();
  const roaming = await a.connect({ clientId: 'sub', ...kept });
  await roaming.subscribeAsync('t', { qos: 0 });
  const publisher = await b.connect({ clientId: 'pub' });
  const first = inbox(roaming);
  await publisher.publishAsync('t', 'first');
  await first.next();
  await a.edge.close();
  expect(await service.service.context.edges.get('A', true)).toMatchObject({ isDead: true });
  expect(await session('sub')).not.toHaveProperty('address');
  // The publisher's edge has cached the route to the edge that has stopped.
  const box = inbox(await b.connect({ clientId: 'sub', ...kept }));
  await publisher.publishAsync('t', 'second');
  expect((await box.next()).text).toBe('second');
  expect(service.counters.get(metrics.edgesDead)).toBeUndefined();
});

test('a trace begins and ends at the edge that holds the connection', async () => {
  const { service, a, b } = await twoEdges();
  const publisher = await a.connect({ clientId: 'traced' });
  const watcher = await b.connect({ clientId: 'watcher' });
  const got = inbox(watcher);
  await watcher.subscribeAsync('$SYS/tenants/acme/trace/traced');
  const trace = (method: 'PUT' | 'DELETE') =>
    fetch(`${service.adminUrl}/tenants/acme/client/trace?clientId=traced`, {
      method,
      ...(method === 'PUT' ? { headers: { 'content-type': 'application/json' }, body: '{}' } : {}),
    });
  expect((await trace('PUT')).status).toBe(200);
  await publisher.publishAsync('at/the/edge', 'x', { qos: 1 });
  const lines = (await got.take(2)).map(({ text }) => JSON.parse(text));
  expect(lines).toMatchObject([
    { step: 'admitted', topic: 'at/the/edge', connection: expect.stringMatching(/^e:A:/) },
    { step: 'matched', topic: 'at/the/edge' },
  ]);
  expect((await trace('DELETE')).status).toBe(204);
  await publisher.publishAsync('afterwards', 'x', { qos: 1 });
  expect(service.logged.some((line) => line.includes('"trace"') && line.includes('afterwards'))).toBe(false);
});
