import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseTenantConfig, vouchedTenantId } from '../../lib/auth/index.ts';
import { openRaw } from '../support/raw-client.ts';
import { inbox, startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let dropsDisconnect = false;
beforeEach(async () => {
  dropsDisconnect = false;
  service = await startTestService({ faults: { dropDisconnect: () => dropsDisconnect } });
});
afterEach(() => service.close());

test('subscriptions of a client: the filter over the bound gets 0x97, a known one may be renewed', async () => {
  const mint = await service.tenant('acme', { quotas: { subscriptionsPerClient: 2 } });
  const client = await service.connect(mint);
  const granted = await client.subscribeAsync(['a', 'b', 'c']).catch((error: unknown) => error);
  expect(granted).toMatchObject({ packet: { granted: [0, 0, 0x97] } });
  expect(await client.subscribeAsync('b', { qos: 1 })).toMatchObject([{ topic: 'b', qos: 1 }]);
  await client.unsubscribeAsync('a');
  expect(await client.subscribeAsync('c')).toMatchObject([{ topic: 'c' }]);
});

test.each([
  ['a shorter one is raised', 5, 300, 60, 300],
  ['a longer one is kept', 5, 300, 400, undefined],
  ['never beyond what the service allows', 5, 3_600, 60, 540],
  ['where there is none, it is the longest as always', 5, 300, 0, 540],
  ['earlier versions cannot be told', 4, 300, 60, undefined],
] as const)('shortest keep-alive: %s', async (_, protocolVersion, minKeepAliveSeconds, keepalive, told) => {
  const mint = await service.tenant('acme', { quotas: { minKeepAliveSeconds } });
  const client = await openRaw(service.url, { version: protocolVersion });
  const { replies } = await client.exchange({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion,
    clientId: 'c',
    clean: true,
    keepalive,
    username: 'acme',
    password: Buffer.from(await mint()),
  });
  const { serverKeepAlive } = (replies[0]?.properties ?? {}) as { serverKeepAlive?: number };
  expect(serverKeepAlive).toBe(told);
  const session = await service.stores.sessions.get({ tenant: vouchedTenantId('acme'), clientId: 'c' });
  const row =
    session?.address === undefined ? undefined : await service.stores.connections.get(session.address);
  expect(row?.keepAliveSeconds).toBe(told ?? keepalive);
  await client.close();
});

test('shapes of a tenant', async () => {
  const mint = await service.tenant('acme', { quotas: { shapes: 1 } });
  const client = await service.connect(mint);
  await client.subscribeAsync('a/+');
  await client.subscribeAsync('b/+');
  await expect(client.subscribeAsync('+/b')).rejects.toMatchObject({ packet: { granted: [0x97] } });
});

test('connections: CONNECT over the bound gets 0x97, and a disconnect makes room', async () => {
  const mint = await service.tenant('acme', { quotas: { connections: 1 } });
  const first = await service.connect(mint);
  await expect(service.connect(mint)).rejects.toMatchObject({ code: 0x97 });
  await expect(service.connect(mint, { protocolVersion: 4 })).rejects.toMatchObject({ code: 3 });
  await first.endAsync();
  await expect(service.connect(mint)).resolves.toBeDefined();
});

test.each([3, 4, 5] as const)(
  'connections: at the bound a client still takes over its own connection, which adds none; version %i',
  async (protocolVersion) => {
    const mint = await service.tenant('acme', { quotas: { connections: 1 } });
    const version = { protocolVersion, protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT' } as const;
    const refused = protocolVersion === 5 ? 0x97 : 3;
    for (const clean of [true, false]) {
      const mine = { ...version, clientId: 'mine', clean };
      const first = await service.connect(mint, mine);
      const ended = new Promise<void>((resolve) => first.once('close', () => resolve()));
      const second = await service.connect(mint, mine);
      await ended;
      await expect(service.connect(mint, version)).rejects.toMatchObject({ code: refused });
      // Lost without $disconnect: the session still has its address.
      const held = await service.stores.sessions.get({ tenant: vouchedTenantId('acme'), clientId: 'mine' });
      dropsDisconnect = true;
      service.gateway.cut(held?.address ?? '');
      const third = await service.connect(mint, mine);
      dropsDisconnect = false;
      await expect(service.connect(mint, version)).rejects.toMatchObject({ code: refused });
      await Promise.all([second.endAsync(true), third.endAsync()]);
      const other = await service.connect(mint, version);
      await expect(service.connect(mint, mine)).rejects.toMatchObject({ code: refused });
      await other.endAsync();
    }
  },
);

test('publish rate: 0x97 at QoS 1, and nobody gets the message; another tenant is unaffected', async () => {
  const mint = await service.tenant('acme', { quotas: { publishesPerSecond: 1 } });
  const publisher = await service.connect(mint);
  const subscriber = await service.connect(mint);
  const received = inbox(subscriber);
  await subscriber.subscribeAsync('a', { qos: 1 });
  const results: unknown[] = [];
  for (let index = 0; index < 12; index += 1)
    results.push(await publisher.publishAsync('a', `${index}`, { qos: 1 }).catch((error: unknown) => error));
  const refused = results.filter((result) => result instanceof Error);
  expect(refused.length).toBeGreaterThanOrEqual(1);
  expect(refused[0]).toMatchObject({ code: 0x97 });
  const messages = await received.take(results.length - refused.length);
  expect(messages).toHaveLength(results.length - refused.length);

  const other = await service.tenant('other');
  const free = await service.connect(other);
  for (let index = 0; index < 12; index += 1) await free.publishAsync('a', 'x', { qos: 1 });
});

test('retained messages: a known topic may be replaced and cleared', async () => {
  const mint = await service.tenant('acme', { quotas: { retainedMessages: 1 } });
  const client = await service.connect(mint);
  const retain = { qos: 1, retain: true } as const;
  await client.publishAsync('a', 'one', retain);
  await expect(client.publishAsync('b', 'two', retain)).rejects.toMatchObject({ code: 0x97 });
  await client.publishAsync('a', 'three', retain);
  await client.publishAsync('a', '', retain);
  await client.publishAsync('b', 'four', retain);
});

test('malformed quotas are refused when a tenant is created', () => {
  const wrong = [
    { shapes: -1 },
    { connections: 1.5 },
    { unheardOf: 1 },
    { shapes: '3' },
    { packetBytes: 127 },
    { queuedMessages: 9 },
    { queueSeconds: 0 },
  ];
  for (const quotas of wrong) {
    expect(() =>
      parseTenantConfig({ formatVersion: 1, status: 'active', createdAtMs: 0, issuers: [], quotas }),
    ).toThrow(/quotas/);
  }
});
