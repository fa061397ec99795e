import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { metrics } from '../../lib/core/metrics.ts';
import type { Packet } from '../../lib/mqtt/types.ts';
import { connectPacket, type Metered, startMetered } from '../bench/metered.ts';
import { type Got, openRaw, type RawClient, type Sendable, type Version } from '../support/raw-client.ts';
import { publish, subscribe, unsubscribe } from './packets.ts';

let metered: Metered;
beforeEach(async () => {
  metered = await startMetered();
});
afterEach(() => metered.close());

const lowest = { packetsPerSecondPerClient: 1, packetsPerSecond: 1 };

function firstCode([suback]: readonly Got[]): number | undefined {
  return (suback?.granted as readonly number[] | undefined)?.[0];
}

/** Uses up a burst of ten packets: one for CONNECT where it is the tenant's rate, nine more. */
async function exhausted(name: string, quotas: object, protocolVersion: Version = 5): Promise<RawClient> {
  const mint = await metered.service.tenant(name, { quotas });
  const client = await metered.connect(mint, 'client', { protocolVersion });
  for (let sent = 0; sent < 10; sent += 1) {
    const { closed, replies } = await client.exchange(subscribe(1, 'a'));
    expect(closed).toBeUndefined();
    if (firstCode(replies) !== 0) break;
  }
  return client;
}

test.each([
  [5, { packetsPerSecondPerClient: 1 }, 0x97],
  [5, { packetsPerSecond: 1 }, 0x97],
  [4, { packetsPerSecondPerClient: 1 }, 0x80],
] as const)('500 SUBSCRIBEs: version %i, %o', async (protocolVersion, quotas, code) => {
  const mint = await metered.service.tenant('acme', { quotas });
  const client = await metered.connect(mint, 'client', { protocolVersion });
  let granted = 0;
  const cost = await metered.measure(async () => {
    for (let sent = 0; sent < 500; sent += 1) {
      const { replies } = await client.exchange(subscribe(1, `f${sent}`));
      expect(replies).toMatchObject([{ cmd: 'suback', messageId: 1 }]);
      if (firstCode(replies) === 0) granted += 1;
      else expect(replies[0]?.granted).toEqual([code]);
    }
  });
  expect(granted).toBeGreaterThanOrEqual(9);
  expect(granted).toBeLessThanOrEqual(11);
  // One for each subscription and its entry in the list, eight for the first shape.
  expect(cost.writeUnits).toBeLessThanOrEqual(2 * granted + 8);
  expect(cost.readUnits).toBeLessThanOrEqual(2 * 500);
  expect(metered.service.counters.get(metrics.packetsOverQuota)).toBe(500 - granted);
  const tooFast = 'packetsPerSecond' in quotas ? 'packet-rate' : 'client-packet-rate';
  expect(metered.service.refusals.get(tooFast)).toBe(500 - granted);
  expect(metered.service.logged.filter((line) => line.includes('"refused"'))).toHaveLength(1);
});

const qos2 = { qos: 2, messageId: 1 } as const;
test.each<[string, Packet, number | undefined]>([
  ['PUBLISH at QoS 1', publish('a', 'x', { qos: 1, messageId: 1 }), 0x97],
  ['PUBLISH at QoS 2', publish('a', 'x', qos2), 0x97],
  ['PUBLISH at QoS 2, sent again', publish('a', 'x', { ...qos2, dup: true }), undefined],
  [
    'PUBLISH that sets a topic alias',
    publish('a', 'x', { qos: 1, messageId: 1, properties: { topicAlias: 1 } }),
    undefined,
  ],
  ['PUBLISH at QoS 0', publish('a', 'x'), undefined],
  ['UNSUBSCRIBE', unsubscribe(1, 'a'), undefined],
  ['PINGREQ', { cmd: 'pingreq' }, undefined],
  ['PUBACK', { cmd: 'puback', messageId: 1 }, undefined],
  ['PUBREC', { cmd: 'pubrec', messageId: 1 }, undefined],
  ['PUBREL', { cmd: 'pubrel', messageId: 1 }, undefined],
  ['PUBCOMP', { cmd: 'pubcomp', messageId: 1 }, undefined],
  ['AUTH', { cmd: 'auth', reasonCode: 0x19, properties: { authenticationMethod: 'wisp-jwt' } }, undefined],
])('a client that has used up its packets: %s', async (_, packet, code) => {
  const client = await exhausted('acme', { packetsPerSecondPerClient: 1 });
  const cost = await metered.measure(async () => {
    const { replies, pushes, closed } = await client.exchange(packet);
    if (code === undefined) {
      expect(pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x96 }]);
      expect(closed).toBeDefined();
    } else {
      expect(replies).toMatchObject([{ reasonCode: code }]);
      expect(closed).toBeUndefined();
    }
  });
  // Nothing, or the end of the connection.
  expect(cost.writeUnits).toBeLessThanOrEqual(code === undefined ? 6 : 0);
});

test('3.1.1 is closed where it has no code', async () => {
  const client = await exhausted('acme', lowest, 4);
  expect(await client.exchange({ cmd: 'pingreq' })).toMatchObject({ pushes: [], closed: {} });
});

describe('what one client may cost by default', () => {
  async function framesUntilClosed(sent: Sendable[], limit: number, quotas = {}): Promise<number> {
    const mint = await metered.service.tenant('acme', { quotas });
    const client = await metered.connect(mint, 'client');
    for (let frames = 0; frames < limit; frames += 1) {
      const { closed, pushes } = await client.exchange(...sent);
      if (closed === undefined) continue;
      expect(pushes.at(-1)).toMatchObject({ cmd: 'disconnect', reasonCode: 0x96 });
      return frames;
    }
    return limit;
  }
  const many = (length: number, packet: Packet): Packet[] => Array.from({ length }, () => packet);

  test('PINGREQ: 10,000 at once', async () => {
    expect(await framesUntilClosed(many(1_000, { cmd: 'pingreq' }), 20)).toBe(10);
  });

  test('acknowledgements: eight for the price of one', async () => {
    expect(await framesUntilClosed(many(2_000, { cmd: 'puback', messageId: 1 }), 60)).toBeGreaterThan(30);
  });

  test('bytes that are neither topic nor payload', async () => {
    const properties = { userProperties: [['a', 'x'.repeat(40_000)]] } as never;
    const sent = publish('a', 'x', { properties });
    // Of 1,000 packets at once. Each comes in two chunks.
    expect(await framesUntilClosed([sent], 200, { packetsPerSecondPerClient: 100 })).toBeLessThan(100);
  });

  test('heartbeats', async () => {
    const mint = await metered.service.tenant('acme');
    const client = await metered.connect(mint, 'client');
    let heartbeats = 0;
    while (!client.isClosed && heartbeats < 11_000) {
      const { closed } = await client.exchangeText('.');
      if (closed === undefined) heartbeats += 1;
    }
    expect(heartbeats).toBe(10_000);
  });

  test('honest bursts pass: 1,000 subscriptions after a reconnect, 500 messages a second', async () => {
    const mint = await metered.service.tenant('acme');
    const client = await metered.connect(mint, 'client');
    const filters = Array.from({ length: 1_000 }, (_, index) => `f/${index}`);
    const [suback] = await client.send(subscribe(1, ...filters));
    expect(new Set(suback?.granted as number[])).toEqual(new Set([0]));
    for (let second = 0; second < 30; second += 1) {
      const burst = many(500, publish('nobody/listens', 'x'));
      expect((await client.exchange(...burst)).closed).toBeUndefined();
      await metered.clock.advance(1_000);
    }
  });
});

async function connectAll(count: number, version: Version, clientId: (index: number) => string, quotas = {}) {
  const mint = await metered.service.tenant('acme', { quotas });
  const codes: unknown[] = [];
  const costs: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const client = await openRaw(metered.service.url, { version });
    const packet = await connectPacket(mint, clientId(index), { protocolVersion: version });
    const cost = await metered.measure(async () => {
      const { replies, pushes } = await client.exchange(packet);
      const [connack] = [...replies, ...pushes];
      codes.push(connack?.reasonCode ?? connack?.returnCode);
    });
    costs.push(cost.readUnits + cost.writeUnits);
    await client.close();
  }
  return { mint, codes, costs };
}

test.each([
  [5, 0x9f],
  [4, 3],
] as const)('100 CONNECTs of many clients, version %i: the tenant has a rate', async (version, refused) => {
  const { codes } = await connectAll(100, version, (index) => `client-${index}`, lowest);
  expect(codes.filter((code) => code === 0).length).toBeLessThanOrEqual(10);
  expect(codes.at(-1)).toBe(refused);
});

test.each([
  [5, 0x9f],
  [4, 3],
] as const)('100 CONNECTs of one client id, version %i: 60 pass', async (version, refused) => {
  const { codes, costs, mint } = await connectAll(100, version, () => 'client');
  expect(codes.slice(0, 60)).toEqual(Array.from({ length: 60 }, () => 0));
  expect(codes.slice(60)).toEqual(Array.from({ length: 40 }, () => refused));
  // The row that every first frame reads. Once a minute also the tenant's, for banFlappingSeconds.
  expect(costs[60]).toBeLessThanOrEqual(1.5);
  expect(Math.max(...costs.slice(61))).toBeLessThanOrEqual(1);

  // Another process knows it by the session row. This one counts another subject by itself.
  const other = await openRaw(metered.service.url, { version });
  const token = await mint({ sub: 'other', mqtt: { clientId: 'client', publish: [], subscribe: [] } });
  const packet = await connectPacket(mint, 'client', { protocolVersion: version });
  const cost = await metered.measure(async () => {
    const { pushes } = await other.exchange({ ...packet, password: Buffer.from(token) });
    expect(pushes).toMatchObject([version === 5 ? { reasonCode: refused } : { returnCode: refused }]);
  });
  expect(cost).toMatchObject({ writeUnits: 0 });

  // A second later one more passes.
  await metered.clock.advance(1_000);
  await expect(metered.connect(mint, 'client', { protocolVersion: version })).resolves.toBeDefined();
});
