import { expect, test } from 'vitest';
import { metrics } from '../../lib/core/metrics.ts';
import type { LifecycleEvent } from '../../lib/core/model.ts';
import { refusal } from '../../lib/core/reasons.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { createMeter } from '../../lib/local/dynamodb/meter.ts';
import { disconnectClient } from '../../lib/sessions/disconnect-client.ts';
import { presenceTopic } from '../../lib/sessions/presence.ts';
import { publish, subscribe } from '../broker/packets.ts';
import { type ConnectFields, useSuite } from '../broker/suite.ts';
import type { Got, RawClient } from '../support/raw-client.ts';

let meter: ReturnType<typeof createMeter> | undefined;
const put: LifecycleEvent[] = [];
let busFails = false;
const suite = useSuite({
  wrapStore: (handler) => {
    meter = createMeter(handler as Parameters<typeof createMeter>[0]);
    return meter.requestHandler;
  },
  wrapPorts: (ports) => ({
    ...ports,
    events: {
      put: async (event) => {
        if (busFails) throw new Error('the bus is away');
        put.push(event);
      },
    },
  }),
});

const all = (tenant = suite.mint.tenant) => `$SYS/tenants/${tenant}/clients/+/+`;
const mayWatch = (filter: string) => ({ claims: { mqtt: { subscribe: [filter], publish: [] } } });

async function watcher(fields: ConnectFields = {}) {
  const client = await suite.connect({ clientId: `watcher`, ...mayWatch('$SYS/#'), ...fields });
  expect(await client.send(subscribe(1, { topic: all(), qos: 1 }))).toMatchObject([{ granted: [1] }]);
  // Ignores the doubles and the clients of earlier tests.
  await client.settle();
  return client;
}

/** Takes the received messages, acknowledges and parses them. */
async function eventsOf(client: RawClient): Promise<LifecycleEvent[]> {
  return read(client, await client.settle());
}
async function read(client: RawClient, packets: readonly Got[]): Promise<LifecycleEvent[]> {
  for (const { messageId } of packets) await client.send({ cmd: 'puback', messageId: Number(messageId) });
  return packets.map(({ topic, payload, qos, properties, retain }) => {
    const event = JSON.parse(String(payload)) as LifecycleEvent;
    expect(topic).toBe(presenceTopic(event.tenant, event.clientId, event.event));
    expect({ qos, retain, properties }).toEqual({
      qos: 1,
      retain: undefined,
      properties: { contentType: 'application/json', payloadFormatIndicator: true },
    });
    return event;
  });
}

test("presence messages that somebody gets count as the tenant's messages in, once each", async () => {
  const usage = async () => {
    await suite.service.service.flush();
    const hours = await suite.service.stores.usageStore.report(vouchedTenantId('acme'), '2000', '9999');
    const sum = (name: 'messagesIn' | 'bytesIn') =>
      hours.reduce((total, { counts }) => total + counts[name], 0);
    return { messages: sum('messagesIn'), bytes: sum('bytesIn') };
  };
  const comeAndGo = async (): Promise<void> => {
    const client = await suite.connect({ clientId: 'counted' });
    await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
  };
  const unheard = await usage();
  await comeAndGo();
  expect(await usage()).toEqual(unheard);
  await watcher();
  const before = await usage();
  await comeAndGo();
  const after = await usage();
  expect(after.messages - before.messages).toBe(2);
  expect(after.bytes - before.bytes).toBeGreaterThan(
    2 * presenceTopic(vouchedTenantId('acme'), 'counted', 'connected').length,
  );
});

test('a connection and its end are announced, the end with its reason', async () => {
  const monitor = await watcher();
  const client = await suite.connect({ clientId: 'seen', clean: false });
  const connectedAtMs = suite.clock.now();
  await suite.advance(5);
  await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
  const events = await eventsOf(monitor);
  const sequence = events[0]?.sequence ?? 0;
  expect(sequence).toBeGreaterThan(0);
  expect(events).toEqual([
    {
      event: 'connected',
      tenant: 'acme',
      clientId: 'seen',
      sequence,
      connectedAtMs,
      protocolVersion: '5.0',
      sessionPresent: false,
    },
    {
      event: 'disconnected',
      tenant: 'acme',
      clientId: 'seen',
      sequence,
      connectedAtMs,
      disconnectedAtMs: connectedAtMs + 5_000,
      protocolVersion: '5.0',
      reason: 'client-disconnect',
      reasonCode: 0,
      initiator: 'client',
    },
  ]);
  expect(put.filter(({ clientId }) => clientId === 'seen')).toEqual(
    expect.arrayContaining(events.map((event) => expect.objectContaining(event))),
  );
});

test('each kind of end has its reason', async () => {
  const monitor = await watcher();
  const tenant = vouchedTenantId(suite.mint.tenant);
  const endOf = async (
    act: (client: Awaited<ReturnType<typeof suite.connect>>) => Promise<unknown>,
    fields: ConnectFields = {},
  ) => {
    const client = await suite.connect(fields);
    await eventsOf(monitor);
    await act(client);
    const [event] = await eventsOf(monitor);
    if (event?.event !== 'disconnected') throw new Error('no disconnected event');
    const { reason, reasonCode, initiator } = event;
    return [reason, reasonCode, initiator];
  };
  expect(await endOf((client) => suite.cut(client))).toEqual(['connection-lost', undefined, 'network']);
  expect(await endOf((client) => client.exchange({ cmd: 'disconnect', reasonCode: 4 }))).toEqual([
    'client-disconnect',
    4,
    'client',
  ]);
  expect(await endOf((client) => client.exchange({ cmd: 'disconnect' }), { protocolVersion: 4 })).toEqual([
    'client-disconnect',
    0,
    'client',
  ]);
  expect(await endOf((client) => client.exchange('f000'), { protocolVersion: 4 })).toEqual([
    expect.any(String),
    0x81,
    'server',
  ]);
  const exp = Math.floor(suite.clock.now() / 1000) + 30;
  expect(await endOf(() => suite.advance(31), { claims: { exp } })).toEqual([
    'token-expired',
    0xa0,
    'server',
  ]);
  const { context } = suite.service.service;
  expect(
    await endOf(({ clientId }) =>
      disconnectClient(context, { tenant, clientId }, refusal('client-disconnected')),
    ),
  ).toEqual(['client-disconnected', 0x98, 'server']);
});

test('a takeover announces the end of the old connection first, with a lower sequence', async () => {
  const monitor = await watcher();
  const fields = { clientId: 'moved', clean: false, properties: { sessionExpiryInterval: 60 } };
  await suite.connect(fields);
  await suite.connect(fields);
  const third = await suite.connect({ ...fields, clean: true });
  await third.exchange({ cmd: 'disconnect', reasonCode: 0 });
  const events = await eventsOf(monitor);
  expect(
    events.map(({ event, ...rest }) => [event, 'reason' in rest ? rest.reason : rest.sessionPresent]),
  ).toEqual([
    ['connected', false],
    ['disconnected', 'session-taken-over'],
    ['connected', true],
    ['disconnected', 'session-taken-over'],
    ['connected', false],
    ['disconnected', 'client-disconnect'],
  ]);
  const [one, oneEnds, two, twoEnds, three, threeEnds] = events.map(({ sequence }) => sequence);
  expect([oneEnds, twoEnds, threeEnds]).toEqual([one, two, three]);
  expect(two).toBeGreaterThan(one ?? 0);
  expect(three).toBeGreaterThan(two ?? 0);
});

test('an offline monitor gets the events when it returns', async () => {
  const fields = { clean: false, properties: { sessionExpiryInterval: 600 } };
  const before = await watcher(fields);
  await suite.cut(before);
  const client = await suite.connect({ clientId: 'meanwhile' });
  await suite.cut(client);
  const after = await suite.connect({ clientId: 'watcher', ...mayWatch('$SYS/#'), ...fields });
  const events = await read(after, after.waited);
  expect(events.filter(({ clientId }) => clientId === 'meanwhile').map(({ event }) => event)).toEqual([
    'connected',
    'disconnected',
  ]);
});

test('client ids with slashes or wildcards fill one level', async () => {
  const monitor = await watcher();
  for (const clientId of ['a/b', '+', '#', '%2F', 'ö 😀', 'x/connected']) {
    const client = await suite.connect({ clientId });
    const [event] = await eventsOf(monitor);
    expect(event?.clientId).toBe(clientId);
    await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
    await eventsOf(monitor);
  }
  const tenant = vouchedTenantId('acme');
  expect(presenceTopic(tenant, 'a/+#%\0', 'connected')).toBe(
    '$SYS/tenants/acme/clients/a%2F%2B%23%25%00/connected',
  );
});

test('only an explicit grant allows to subscribe; nobody may publish', async () => {
  const client = await suite.connect({
    claims: { mqtt: { subscribe: ['#', '+/#'], publish: ['#', '$SYS/#'] } },
  });
  expect(await client.send(subscribe(1, '#', '+/tenants/+/clients/+/+', all(), '$SYS/#'))).toMatchObject([
    { granted: [0, 0, 0x87, 0x87] },
  ]);
  const other = await suite.connect();
  await other.exchange({ cmd: 'disconnect', reasonCode: 0 });
  expect(await client.settle()).toEqual([]);
  const forged = publish(presenceTopic(vouchedTenantId('acme'), 'a', 'connected'), suite.text('x'), {
    qos: 1,
    messageId: 3,
  });
  expect(await client.send(forged)).toEqual([{ cmd: 'puback', messageId: 3, reasonCode: 0x87 }]);
});

test('no grant reaches the events of another tenant', async () => {
  const other = await suite.tenant('neighbour');
  const monitor = await suite.connect(mayWatch('$SYS/#'));
  await monitor.send(subscribe(1, { topic: '$SYS/tenants/neighbour/#', qos: 1 }));
  const stranger = await suite.open();
  const packet = await suite.connectPacket({ clientId: 'stranger', token: await other({ exp: undefined }) });
  await stranger.send({ ...packet, username: other.tenant });
  await stranger.exchange({ cmd: 'disconnect', reasonCode: 0 });
  expect(await monitor.settle()).toEqual([]);
  expect(put.map(({ tenant }) => tenant)).toContain('neighbour');
});

test('matching costs a Query only where a shape fits', async () => {
  const quiet = await suite.tenant('quiet');
  const matchings = () =>
    meter?.calls.filter(
      ({ operation, tables }) => operation === 'Query' && tables.includes('wisp-subscriptions'),
    );
  // Shapes of other lengths, and leading wildcards, do not match.
  const filters = ['a/b', '+/+/+', '#', '+/#', 'a/+/c/+/e'];
  const reader = await suite.open();
  const token = await quiet({ exp: undefined, mqtt: { subscribe: ['#', '$SYS/#'] } });
  await reader.send({ ...(await suite.connectPacket({ token })), username: quiet.tenant });
  await reader.send(subscribe(1, ...filters));
  const client = await suite.open();
  const packet = { ...(await suite.connectPacket({ token })), username: quiet.tenant };
  meter?.reset();
  await client.send(packet);
  await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
  expect(matchings()).toEqual([]);

  await reader.send(subscribe(1, all('quiet')));
  const again = await suite.open();
  meter?.reset();
  await again.send({ ...packet, clientId: 'again' });
  expect(matchings()).toHaveLength(1);
});

test('a failing event bus loses the event, not the connection', async () => {
  busFails = true;
  const lost = suite.service.counters.get(metrics.lifecycleEventsFailed) ?? 0;
  const client = await suite.connect();
  await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
  busFails = false;
  // One event of the client and one of its double.
  expect(suite.service.counters.get(metrics.lifecycleEventsFailed)).toBeGreaterThanOrEqual(lost + 2);
  await suite.connect({ clientId: client.clientId });
});
