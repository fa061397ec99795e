import { describe, expect, it } from 'vitest';
import { changeTenant } from '../../lib/auth/change-tenant.ts';
import { vouchedTenantId } from '../../lib/auth/index.ts';
import { metrics } from '../../lib/core/metrics.ts';
import { burstSeconds } from '../../lib/core/quotas.ts';
import { concatBytes, encodeOneWay } from '../../lib/wire/index.ts';
import { bytesOf, type Got, type RawClient, type Sendable, type Version } from '../support/raw-client.ts';
import type { Mint } from '../support/service.ts';
import { publish, subscribe } from './packets.ts';
import { type Connected, useSuite } from './suite.ts';

const suite = useSuite();

/** Encodes packets as a one-way frame. */
function oneWay(client: RawClient, ...packets: readonly Sendable[]): string {
  return encodeOneWay(concatBytes(packets.map((packet) => bytesOf(packet, client.version))));
}

const isReply = (text: string): boolean => text.startsWith('.');

function final(cmd: 'puback' | 'pubcomp' | 'pubrec', messageId: unknown, reasonCode = 0): Sendable {
  return { cmd, messageId: Number(messageId), reasonCode };
}

/** How many messages are in the queue of a client's session. */
async function queued({ clientId }: Connected): Promise<number> {
  const session = await suite.session(clientId);
  if (session === undefined) return 0;
  return (await suite.service.stores.queue.list(session, session.sequence, 100)).entries.length;
}

const alias = (topic: string) => publish(topic, 'x', { properties: { topicAlias: 1 } });

describe('a one-way frame', () => {
  it.each([3, 4, 5] as const)('is published without a reply, version %i', async (protocolVersion) => {
    const from = await suite.connect({ protocolVersion });
    const to = await suite.connect({ protocolVersion });
    await to.send(subscribe(1, 'a/+'));
    const before = from.texts.length;
    from.sendMessage(oneWay(from, publish('a/1', suite.text('one')), publish('a/2', suite.text('two'))));
    expect(await to.take(2)).toMatchObject([{ topic: 'a/1' }, { topic: 'a/2' }]);
    await from.settle();
    expect(from.texts.slice(before)).toEqual(['.']);
  });

  it('may store retained messages', async () => {
    const client = await suite.connect();
    await client.send(subscribe(1, 'kept'));
    client.sendMessage(oneWay(client, publish('kept', suite.text('x'), { retain: true })));
    await client.take(1);
    const late = await suite.connect();
    expect((await late.exchange(subscribe(1, 'kept'))).pushes).toMatchObject([
      { topic: 'kept', retain: true },
    ]);
    await late.send(publish('kept', '', { retain: true }));
  });

  it.each([4, 5] as const)(
    'completes deliveries at QoS 1, and what waited for room is pushed, version %i',
    async (protocolVersion) => {
      const properties = { receiveMaximum: 1 };
      const to = await suite.connect({ protocolVersion, ...(protocolVersion === 5 && { properties }) });
      await to.send(subscribe(1, { topic: 'a', qos: 1 }));
      const from = await suite.connect();
      const numbers = [1, 2, 3];
      for (const messageId of numbers)
        await from.send(publish('a', suite.text(`${messageId}`), { qos: 1, messageId }));
      const before = to.texts.filter(isReply).length;
      const got: Got[] = [];
      while (got.length < numbers.length) {
        const messages = await to.take(1);
        got.push(...messages);
        to.sendMessage(oneWay(to, ...messages.map(({ messageId }) => final('puback', messageId))));
      }
      expect(got.map(({ payload }) => payload)).toEqual(numbers.map((number) => suite.text(`${number}`)));
      expect(to.texts.filter(isReply)).toHaveLength(before);
      await expect.poll(() => queued(to)).toBe(0);
    },
  );

  it('completes deliveries at QoS 2 by PUBCOMP, and by a PUBREC that refuses', async () => {
    const to = await suite.connect();
    await to.send(subscribe(1, { topic: 'a', qos: 2 }));
    const from = await suite.connect();
    for (const messageId of [1, 2]) await from.send(publish('a', 'x', { qos: 2, messageId }));
    const [one, two] = await to.take(2);
    const released = await to.send(final('pubrec', one?.messageId));
    expect(released).toMatchObject([{ cmd: 'pubrel', messageId: one?.messageId }]);
    to.sendMessage(oneWay(to, final('pubcomp', one?.messageId), final('pubrec', two?.messageId, 0x83)));
    await expect.poll(() => queued(to)).toBe(0);
    expect(await to.settle()).toEqual([]);
  });

  it('with a message that is not allowed drops it and keeps the connection', async () => {
    const client = await suite.connect({ claims: { mqtt: { publish: ['mine'], subscribe: ['#'] } } });
    await client.send(subscribe(1, '#'));
    client.sendMessage(oneWay(client, publish('other', suite.text('x')), publish('mine', suite.text('y'))));
    expect(await client.take(1)).toMatchObject([{ topic: 'mine' }]);
    expect(await client.settle()).toEqual([]);
  });

  it.each([
    ['is no JSON', () => '{"action":"oneway","packets":"AA==" }', 0x81],
    ['has no packets', () => '{"action":"oneway"}', 0x81],
    ['has packets that are no text', () => '{"action":"oneway","packets":{"a":1}}', 0x81],
    ['has malformed base64', () => '{"action":"oneway","packets":"MAUAAXRoaQ"}', 0x81],
    ['ends inside a packet', () => encodeOneWay(Buffer.from('300500017468', 'hex')), 0x81],
    ['is too large', () => encodeOneWay(bytesOf(publish('a', 'x'.repeat(24_000)), 5)), 0x95],
    ['holds QoS 1', (c: RawClient) => oneWay(c, publish('a', 'x', { qos: 1, messageId: 1 })), 0x82],
    ['holds QoS 2', (c: RawClient) => oneWay(c, publish('a', 'x', { qos: 2, messageId: 1 })), 0x82],
    ['holds PUBREC', (c: RawClient) => oneWay(c, final('pubrec', 1)), 0x82],
    ['holds PUBREL', (c: RawClient) => oneWay(c, '62020001'), 0x82],
    ['holds PINGREQ', (c: RawClient) => oneWay(c, publish('a', 'x'), { cmd: 'pingreq' }), 0x82],
    ['holds SUBSCRIBE', (c: RawClient) => oneWay(c, subscribe(1, 'a')), 0x82],
    ['holds DISCONNECT', (c: RawClient) => oneWay(c, 'e000'), 0x82],
    ['sets a topic alias', (c: RawClient) => oneWay(c, alias('a')), 0x82],
    ['uses a topic alias', (c: RawClient) => oneWay(c, alias('')), 0x82],
    ['publishes to a wildcard', (c: RawClient) => oneWay(c, '30060001230000' + '01'), 0x90],
  ])('that %s ends the connection with DISCONNECT, and nothing is published', async (_, text, reasonCode) => {
    const client = await suite.connect();
    await client.send(subscribe(1, '#'));
    client.sendMessage(text(client));
    expect(await client.take(1)).toMatchObject([{ cmd: 'disconnect', reasonCode }]);
    await client.closed;
    expect(client.pushedBytes).toHaveLength(1);
  });

  it('with a violation ends a connection of an earlier version without a packet', async () => {
    const client = await suite.connect({ protocolVersion: 4 });
    client.sendMessage(oneWay(client, 'c000'));
    await client.closed;
    expect(client.pushedBytes).toEqual([]);
  });

  it.each(['30060001610078', '100d00044d5154540502003c000000'])(
    'before CONNECT, or with it, ends the connection: %s',
    async (hex) => {
      const client = await suite.open();
      client.sendMessage(oneWay(client, hex));
      await client.closed;
      expect(client.pushedBytes).toEqual([]);
    },
  );

  it('after the token has expired ends the connection with 0xA0', async () => {
    const exp = Math.floor(suite.clock.now() / 1000) + 30;
    const client = await suite.connect({ claims: { exp } });
    const sub = await suite.connect();
    await sub.send(subscribe(1, 'a'));
    const expired = suite.clock.advance(30_000);
    client.sendMessage(oneWay(client, publish('a', suite.text('late'))));
    await expired;
    await client.closed;
    expect(await sub.settle()).toEqual([]);
  });

  it.each([
    ['messages of the client', 'publishesPerSecondPerClient', 1, 5],
    ['bytes of the client', 'publishBytesPerSecondPerClient', 40, 5],
    ['messages of the client', 'publishesPerSecondPerClient', 1, 4],
  ] as const)(
    'over the rate of %s (%s: %i) ends the connection, with 0x96 in 5.0, and nothing is published, version %i',
    async (_, quota, bound, protocolVersion) => {
      const mqtt = { publish: ['#'], subscribe: ['#'], quotas: { [quota]: bound } };
      const client = await suite.connect({ protocolVersion, claims: { mqtt } });
      const sub = await suite.connect({ protocolVersion });
      await sub.send(subscribe(1, 'a'));
      const before = overQuota();
      client.sendMessage(oneWay(client, publish('a', suite.text('within'))));
      expect(await sub.take(1)).toMatchObject([{ payload: suite.text('within') }]);
      const burst = Array.from({ length: 2 * burstSeconds }, () => publish('a', suite.text('over')));
      client.sendMessage(oneWay(client, ...burst));
      await client.closed;
      expect(await client.take(0)).toMatchObject(endedBy(protocolVersion, 0x96));
      expect(await sub.settle()).toEqual([]);
      expect(overQuota() - before).toBe(burst.length);
    },
  );

  it.each([
    ['publishesPerSecond', 1],
    ['publishBytesPerSecond', 40],
  ] as const)("over the tenant's rate (%s: %i) likewise; another tenant's goes on", async (quota, bound) => {
    const mint = await suite.service.tenant(`rated-${quota.toLowerCase()}`, { quotas: { [quota]: bound } });
    const client = await connectTo(mint);
    const sub = await connectTo(mint);
    await sub.send(subscribe(1, 'a'));
    const burst = Array.from({ length: 2 * burstSeconds }, () => publish('a', suite.text('over')));
    client.sendMessage(oneWay(client, ...burst));
    await client.closed;
    expect(await client.take(1)).toMatchObject(endedBy(5, 0x96));
    expect(await sub.settle()).toEqual([]);

    const other = await suite.connect();
    await other.send(subscribe(1, 'a'));
    other.sendMessage(oneWay(other, ...burst));
    expect(await other.take(burst.length)).toHaveLength(burst.length);
  });

  it.each([4, 5] as const)(
    'with a revoked token ends the connection, with 0x87 in 5.0, version %i',
    async (protocolVersion) => {
      const tokenId = `revoked-${protocolVersion}`;
      const iat = Math.floor(suite.clock.now() / 1000);
      const client = await suite.connect({ protocolVersion, claims: { jti: tokenId, iat } });
      const sub = await suite.connect();
      await sub.send(subscribe(1, 'a'));
      // Without the timers that end such connections: the frame itself must detect it.
      const target = { kind: 'token', tokenId } as const;
      const tenant = vouchedTenantId(suite.mint.tenant);
      await suite.service.stores.revocations.revoke(tenant, target, suite.clock.now());
      client.sendMessage(oneWay(client, publish('a', suite.text('revoked'))));
      await client.closed;
      expect(await client.take(0)).toMatchObject(endedBy(protocolVersion, 0x87));
      sub.sendMessage(oneWay(sub, publish('a', suite.text('still allowed'))));
      expect(await sub.take(1)).toMatchObject([{ payload: suite.text('still allowed') }]);
    },
  );

  it.each([4, 5] as const)(
    'of a suspended tenant ends the connection, with 0x98 in 5.0, version %i',
    async (protocolVersion) => {
      const mint = await suite.tenant(`asleep-${protocolVersion}`);
      const client = await connectTo(mint, protocolVersion);
      const sub = await connectTo(mint);
      await sub.send(subscribe(1, 'a'));
      // Likewise, without the walk that disconnects all clients.
      const { tenantAdmin } = suite.service.stores;
      await changeTenant(tenantAdmin, mint.tenant, (config) => ({ ...config, status: 'suspended' }));
      client.sendMessage(oneWay(client, publish('a', suite.text('asleep'))));
      await client.closed;
      expect(await client.take(0)).toMatchObject(endedBy(protocolVersion, 0x98));
      expect(sub.pushedBytes).toEqual([]);
    },
  );
});

/** The last packet of a connection that is ended; there is none before 5.0. */
function endedBy(protocolVersion: Version, reasonCode: number): object[] {
  return protocolVersion === 5 ? [{ cmd: 'disconnect', reasonCode }] : [];
}

function overQuota(): number {
  return suite.service.counters.get(metrics.publishesOverQuota) ?? 0;
}

/** A client of a tenant other than the suite's. */
async function connectTo(mint: Mint, protocolVersion: Version = 5): Promise<RawClient> {
  const client = await suite.open({ version: protocolVersion });
  const token = await mint({ exp: undefined });
  const packet = await suite.connectPacket({ protocolVersion, username: mint.tenant, token });
  expect((await client.exchange(packet)).replies).toMatchObject([{ cmd: 'connack' }]);
  return client;
}
