import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../lib/core/settings.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { hourOf } from '../../lib/core/usage.ts';
import { openRaw } from '../support/raw-client.ts';
import { notedSince } from './cases/noted.ts';
import { forged } from './cases/refused-connects.ts';
import { publish, subscribe, unsubscribe } from './packets.ts';
import { type ConnectFields, useSuite } from './suite.ts';

const linesPerMinute = 20;
const suite = useSuite({ settings: { ...defaultSettings, refusalLinesPerMinute: linesPerMinute } });

const few: ConnectFields = { claims: { mqtt: { publish: ['may/#'], subscribe: ['may/#'] } } };
const kept = { clean: false, properties: { sessionExpiryInterval: 86_400 } };

interface Line extends Readonly<Record<string, unknown>> {
  readonly code: string;
}

/** The lines of refusals that `work` has caused. */
async function linesOf(work: () => Promise<unknown>): Promise<Line[]> {
  const from = suite.service.logged.length;
  await work();
  return suite.service.logged
    .slice(from)
    .map((line) => JSON.parse(line) as Line)
    .filter(({ message }) => message === 'refused');
}

/** What `work` has caused, by code. */
async function notedBy(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = new Map(suite.service.refusals);
  await work();
  return Object.fromEntries(notedSince(suite.service, before));
}

/** A minute later the lines have room again. */
const later = () => suite.advance(60);

describe('what nobody is told is noted', () => {
  it('a PUBLISH at QoS 0 that the token does not allow, with its topic', async () => {
    const client = await suite.connect(few);
    const lines = await linesOf(async () => {
      expect(await notedBy(() => client.exchange(publish('other', 'x')))).toEqual({
        'publish-not-authorized': 1,
      });
    });
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'info',
        code: 'publish-not-authorized',
        what: 'publish',
        tenant: 'acme',
        clientId: client.clientId,
        connection: expect.any(String),
        topic: 'other',
      }),
    ]);
  });

  it('a message that an offline client of 3.1.1 sends to a topic beyond the limits', async () => {
    const client = await suite.connect({ protocolVersion: 4 });
    const topic = 'x/'.repeat(70);
    expect(await notedBy(() => client.exchange(publish(topic, 'x', { qos: 1, messageId: 1 })))).toEqual({
      'topic-too-deep': 1,
    });
  });

  it('a message that is too large for its subscriber', async () => {
    const small = await suite.connect({ properties: { maximumPacketSize: 100 } });
    await small.send(subscribe(1, { topic: 'large', qos: 1 }));
    const publisher = await suite.connect();
    const large = publish('large', 'x'.repeat(200), { qos: 1, messageId: 1 });
    expect(await notedBy(() => publisher.send(large))).toEqual({ 'client-packet-too-large': 1 });
  });

  it('messages that have waited too long for an offline client', async () => {
    const mqtt = { publish: ['#'], subscribe: ['#'], quotas: { queueSeconds: 30 } };
    const sleeper = await suite.connect({ ...kept, clientId: 'overdue', claims: { mqtt } });
    await sleeper.send(subscribe(1, { topic: 'overdue', qos: 1 }));
    await sleeper.exchange({ cmd: 'disconnect' });
    const publisher = await suite.connect();
    await publisher.send(publish('overdue', 'x', { qos: 1, messageId: 1 }));
    await suite.advance(60);
    const noted = await notedBy(() => suite.connect({ ...kept, clientId: 'overdue', claims: { mqtt } }));
    expect(noted).toMatchObject({ 'message-overdue': 1 });
  });

  it('a QoS 0 message whose connection turns out to be gone', async () => {
    const subscriber = await suite.connect();
    await subscriber.send(subscribe(1, 'gone'));
    const publisher = await suite.connect();
    await publisher.send(publish('gone', 'x'));
    await suite.cut(subscriber, 'silently');
    expect(await notedBy(() => publisher.send(publish('gone', 'x')))).toEqual({ 'client-unreachable': 1 });
  });

  it('a handshake with a bad token, a socket without CONNECT, and the end of a taken-over connection', async () => {
    const { url } = suite.service;
    const query = { tenant: 'acme', token: await forged('acme') };
    expect(await notedBy(() => expect(openRaw(url, { query })).rejects.toThrow('401'))).toEqual({
      'token-signature': 1,
    });
    const silent = await suite.open();
    expect(await notedBy(() => suite.advance(defaultSettings.authenticationDeadlineSeconds + 1))).toEqual({
      'connect-late': 1,
    });
    await silent.closed;
    await suite.connect({ clientId: 'twice' });
    expect(await notedBy(() => suite.connect({ clientId: 'twice' }))).toEqual({ 'session-taken-over': 1 });
  });

  it('subscriptions that a renewed token no longer allows', async () => {
    const properties = { authenticationMethod: 'wisp-jwt' };
    const client = await suite.connect({ properties });
    await client.send(subscribe(1, 'a', 'b', 'may/c'));
    const authenticationData = Buffer.from(await suite.mint({ exp: undefined, ...few.claims }));
    const renewal = { cmd: 'auth', reasonCode: 0x19, properties: { ...properties, authenticationData } };
    expect(await notedBy(() => client.send(renewal as never))).toEqual({ 'subscribe-not-authorized': 2 });
  });
});

describe('what is told is noted once', () => {
  it('each filter of SUBSCRIBE and UNSUBSCRIBE', async () => {
    const client = await suite.connect(few);
    const deep = `${'x/'.repeat(70)}x`;
    const noted = await notedBy(() =>
      client.send(subscribe(1, 'may/a', 'other', 'another', deep), unsubscribe(2, deep)),
    );
    expect(noted).toEqual({ 'subscribe-not-authorized': 2, 'filter-too-deep': 2 });
  });

  it('a PUBLISH whose refusal ends the connection: with its topic, and not a second time', async () => {
    await later();
    const client = await suite.connect({ ...few, protocolVersion: 4 });
    const lines = await linesOf(async () => {
      const noted = await notedBy(() => client.exchange(publish('other', 'x', { qos: 1, messageId: 1 })));
      expect(noted).toEqual({ 'publish-not-authorized': 1 });
    });
    expect(lines).toMatchObject([{ code: 'publish-not-authorized', topic: 'other' }]);
    expect(client.isClosed).toBe(true);
  });
});

describe('the log of refusals', () => {
  it('has one line for each connection and code', async () => {
    await later();
    const client = await suite.connect(few);
    const lines = await linesOf(async () => {
      for (let round = 0; round < 50; round += 1)
        await client.send(publish('other', 'x'), subscribe(1, 'no'));
      await later();
      await client.send(publish('other', 'x'), subscribe(1, 'no'));
    });
    expect(lines.map(({ code }) => code)).toEqual(['publish-not-authorized', 'subscribe-not-authorized']);
  });

  it('has a bound for all connections of a process, and says what it leaves out', async () => {
    await later();
    const { url } = suite.service;
    const strangers = 3 * linesPerMinute;
    const attack = await linesOf(async () => {
      for (let stranger = 0; stranger < strangers; stranger += 1)
        await (await openRaw(url)).exchangeText('this is no frame');
    });
    expect(attack).toHaveLength(linesPerMinute);
    await later();
    const [next] = await linesOf(async () => (await openRaw(url)).exchangeText('nor this'));
    expect(next).toMatchObject({ leftOut: strangers - linesPerMinute });
  });

  it('shows names of clients cut and without control characters, never payloads or tokens', async () => {
    await later();
    const evil = `\u001b[2J\u202e${'x'.repeat(200)}`;
    const lines = await linesOf(async () => {
      const client = await suite.connect({ ...few, clientId: evil });
      await client.send(publish(`not/${evil}`, suite.secret));
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.topic).toMatch(/^not\/\\u001b\[2J\\u202ex{100,}…$/);
    expect(lines[0]?.clientId).toMatch(/^\\u001b\[2J\\u202ex{100,}…$/);
    expect(JSON.stringify(lines)).not.toContain(suite.secret);
  });
});

describe('the usage of a tenant', () => {
  it('counts refusals of verified tokens by code, not what strangers claim', async () => {
    const client = await suite.connect(few);
    const usage = async () => {
      const { service } = suite;
      const hour = hourOf(suite.clock.now());
      await suite.advance(11);
      await service.service.flush();
      const hours = await service.stores.usageStore.report(
        vouchedTenantId('acme'),
        hour,
        hourOf(suite.clock.now()),
      );
      const total: Record<string, number> = {};
      for (const { refusals = {} } of hours)
        for (const [code, count] of Object.entries(refusals)) total[code] = (total[code] ?? 0) + count;
      return total;
    };
    const before = await usage();
    await client.send(publish('other', 'x'), publish('other', 'y'), subscribe(1, 'no'));
    const stranger = await suite.open();
    await stranger.exchange(await suite.connectPacket({ token: await forged('acme') }));
    const impostor = await suite.open();
    const mqtt = { clientId: 'theirs', publish: [], subscribe: [] };
    await impostor.exchange(await suite.connectPacket({ clientId: 'mine', claims: { mqtt } }));
    const after = await usage();
    const added = Object.entries(after).map(([code, count]) => [code, count - (before[code] ?? 0)] as const);
    expect(Object.fromEntries(added.filter(([, count]) => count > 0))).toEqual({
      'publish-not-authorized': 2,
      'subscribe-not-authorized': 1,
      'client-id-not-granted': 1,
    });
  });
});
