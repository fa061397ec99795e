import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { metrics } from '../../lib/core/metrics.ts';
import type { Message } from '../../lib/core/model.ts';
import type { Rule, RuleLane, RuleRecord } from '../../lib/core/rules.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { type TenantId, vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { publishMessages, takeAsIs } from '../../lib/delivery/publish.ts';
import { putRule } from '../../lib/delivery/rules.ts';
import { encodePacket } from '../../lib/mqtt/encode.ts';
import { encodePackets } from '../../lib/wire/index.ts';
import { type Metered, startMetered } from '../bench/metered.ts';
import { publish, subscribe } from '../broker/packets.ts';
import type { Mint } from '../support/service.ts';
import { ruleOf } from './rules.ts';

const tenant: TenantId = vouchedTenantId('acme');

let metered: Metered;
let mint: Mint;
/** What the publish path has handed to the rule queue. */
let sent: RuleRecord[];
/** Queues of the deployment. */
let lanes: Set<RuleLane>;
/** Fails the next calls of the rule queue. */
let failing: boolean;

async function start(options: Parameters<typeof startMetered>[0] = {}): Promise<void> {
  sent = [];
  lanes = new Set(['common', 'kafka']);
  failing = false;
  metered = await startMetered({
    ...options,
    wrapPorts: (ports) => ({
      ...ports,
      ruleQueue: {
        lanes,
        async send(records) {
          if (failing) throw new Error('the queue is away');
          sent.push(...records);
        },
      },
    }),
  });
  mint = await metered.service.tenant(tenant);
}
beforeEach(() => start());
afterEach(() => metered.close());

async function store(...rules: readonly Rule[]): Promise<void> {
  for (const rule of rules)
    expect(await putRule(metered.service.service.context, tenant, rule)).toMatchObject({ created: true });
}

const told = () =>
  sent.map(({ rule, message }) => [rule, message.topic, new TextDecoder().decode(message.payload)]);

describe('everything that publishes fires rules', () => {
  test.each([0, 1, 2] as const)('PUBLISH at QoS %i', async (qos) => {
    await store(ruleOf('r'));
    const client = await metered.connect(mint, 'publisher');
    const replies = await client.send({
      ...publish('orders/1', 'x', { qos, messageId: 1 }),
      properties: { contentType: 'text/plain', userProperties: [['unit', 'kg']] },
    });
    expect(sent).toEqual([
      {
        tenant,
        rule: 'r',
        lane: 'common',
        publishedAtMs: metered.clock.now(),
        hops: 0,
        message: expect.objectContaining({
          topic: 'orders/1',
          qos,
          retain: false,
          publisher: 'publisher',
          properties: { contentType: 'text/plain', userProperties: [['unit', 'kg']] },
        }),
      },
    ]);
    // A rule is a receiver: the publisher does not hear of "no matching subscribers".
    if (qos > 0) expect(replies).toMatchObject([{ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: 1 }]);
    expect(replies[0]?.reasonCode ?? 0).toBe(0);
  });

  test('publishing over HTTP', async () => {
    await store(ruleOf('r'));
    const response = await fetch(`${metered.service.publishUrl}/orders/1?qos=1`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await mint()}` },
      body: 'over HTTP',
    });
    expect(response.ok).toBe(true);
    expect(told()).toEqual([['r', 'orders/1', 'over HTTP']]);
  });

  test('a Will', async () => {
    await store(ruleOf('r'));
    const client = await metered.connect(mint, 'leaves', {
      will: { topic: 'orders/gone', payload: Buffer.from('gone'), qos: 1, retain: false },
    });
    await client.exchange({ cmd: 'disconnect', reasonCode: 4 });
    expect(told()).toEqual([['r', 'orders/gone', 'gone']]);
  });

  test('presence, although nobody subscribes to it', async () => {
    await store(ruleOf('r', { filter: `$SYS/tenants/${tenant}/clients/+/+` }));
    const client = await metered.connect(mint, 'device');
    await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
    expect(sent.map(({ message }) => message.topic)).toEqual([
      `$SYS/tenants/${tenant}/clients/device/connected`,
      `$SYS/tenants/${tenant}/clients/device/disconnected`,
    ]);
    await metered.service.service.flush();
    const hours = await metered.service.stores.usageStore.report(tenant, '2000', '9999');
    expect(hours.map(({ counts }) => [counts.messagesIn, counts.ruleDeliveries])).toEqual([[2, 2]]);
  });

  test('a retained message, and what clears it', async () => {
    await store(ruleOf('r'));
    const client = await metered.connect(mint, 'publisher');
    await client.send({ ...publish('orders/1', 'kept'), retain: true });
    await client.send({ ...publish('orders/1', ''), retain: true });
    expect(sent.map(({ message }) => [message.retain, message.payload.length])).toEqual([
      [true, 4],
      [true, 0],
    ]);
  });
});

describe('which rules a message fires', () => {
  test('those of every filter that matches, by name, each once, and beside subscribers', async () => {
    await store(
      ruleOf('c', { filter: 'orders/#' }),
      ruleOf('a', { filter: '#' }),
      ruleOf('b', { filter: 'orders/1' }),
      ruleOf('d', { filter: 'orders/2' }),
    );
    const subscriber = await metered.connect(mint, 'subscriber');
    await subscriber.send(subscribe(1, 'orders/+'));
    const client = await metered.connect(mint, 'publisher');
    await client.send(publish('orders/1', 'x'), publish('orders/1', 'y'));
    expect(told()).toEqual(
      ['x', 'y'].flatMap((text) => ['a', 'b', 'c'].map((rule) => [rule, 'orders/1', text])),
    );
    expect(await subscriber.take(2)).toHaveLength(2);
  });

  test('a wildcard at the beginning matches no topic that begins with $', async () => {
    await store(ruleOf('r', { filter: '#' }), ruleOf('s', { filter: '+/#' }));
    await metered.connect(mint, 'device');
    expect(sent).toEqual([]);
  });

  test('a pattern selects', async () => {
    await store(ruleOf('r', { where: '{"topic":["orders/2"]}' }));
    const client = await metered.connect(mint, 'publisher');
    await client.send(publish('orders/1', 'x'), publish('orders/2', 'y'));
    expect(told()).toEqual([['r', 'orders/2', 'y']]);
  });

  test('patterns that take too many steps are left to the worker, and hide nothing from other rules', async () => {
    const tests = Array.from({ length: 25 }, (_, i) => `{"prefix":"${i}x"}`).join();
    await store(
      ruleOf('a', { where: `{"payload":{"a":[${tests}]}}` }),
      ruleOf('b', { where: `{"payload":{"b":[1]}}` }),
      ruleOf('c'),
    );
    const client = await metered.connect(mint, 'publisher');
    await client.send(publish('orders/1', JSON.stringify({ a: Array(10_000).fill(1), b: 1 })));
    await client.send(publish('orders/1', '{"b":1}'));
    expect(sent.map(({ rule, undecided }) => [rule, undecided])).toEqual([
      ['a', true],
      ['b', true],
      ['c', undefined],
      ['b', undefined],
      ['c', undefined],
    ]);
    expect(metered.service.counters.get(metrics.rulesUndecided)).toBe(2);
  });

  test('rules for Kafka go to the lane of Kafka', async () => {
    const kafka = {
      kind: 'kafka',
      brokers: ['b:9092'],
      topic: 't',
      tls: false,
      auth: { method: 'none' },
    } as const;
    await store(ruleOf('r', { target: kafka }));
    const client = await metered.connect(mint, 'publisher');
    await client.send(publish('orders/1', 'x'));
    expect(sent.map(({ lane }) => lane)).toEqual(['kafka']);
  });

  test('those without a queue are counted, and hold nothing up', async () => {
    const kafka = {
      kind: 'kafka',
      brokers: ['b:9092'],
      topic: 't',
      tls: false,
      auth: { method: 'none' },
    } as const;
    await store(ruleOf('q', { target: kafka }), ruleOf('r'));
    lanes.delete('kafka');
    const client = await metered.connect(mint, 'publisher');
    const [puback] = await client.send(publish('orders/1', 'x', { qos: 1, messageId: 1 }));
    expect(puback?.reasonCode ?? 0).toBe(0);
    expect(sent.map(({ rule }) => rule)).toEqual(['r']);
    expect(metered.service.counters.get(metrics.rulesWithoutQueue)).toBe(1);
  });

  test('at most 8 of them, by name; those beyond are counted', async () => {
    await store(
      ...Array.from({ length: 8 }, (_, index) => ruleOf(`r${index}`)),
      ruleOf('q', { filter: 'orders/#' }),
      ruleOf('s', { filter: '#' }),
    );
    const client = await metered.connect(mint, 'publisher');
    await client.send(publish('orders/1', 'x'));
    expect(sent.map(({ rule }) => rule)).toEqual(['q', 'r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6']);
    expect(metered.service.counters.get(metrics.rulesBeyondBound)).toBe(2);
  });

  test('rules of users, whatever their names, do not displace those of operators', async () => {
    await store(
      ...Array.from({ length: 8 }, (_, index) =>
        ruleOf(`a${index}`, { owner: 'mallory', filter: index < 4 ? '#' : 'orders/#' }),
      ),
      ruleOf('z-audit'),
    );
    const client = await metered.connect(mint, 'publisher');
    await client.send(publish('orders/1', 'x'));
    expect(sent.map(({ rule }) => rule)).toEqual(['z-audit', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6']);
  });

  test('a large audience goes through the fan-out queue, and each rule is fired once', async () => {
    await metered.close();
    await start({ settings: { ...defaultSettings, inlineAudience: 2 } });
    await store(ruleOf('a'), ruleOf('b'), ruleOf('c'));
    const subscribers = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const client = await metered.connect(mint, `subscriber-${index}`);
        await client.send(subscribe(1, 'orders/+'));
        return client;
      }),
    );
    const client = await metered.connect(mint, 'publisher');
    await client.send(publish('orders/1', 'x', { qos: 1, messageId: 1 }));
    await metered.service.queues.idle();
    expect(sent.map(({ rule }) => rule)).toEqual(['a', 'b', 'c']);
    for (const subscriber of subscribers) expect(await subscriber.take(1)).toHaveLength(1);
  });
});

describe('when the queue of rules fails', () => {
  test.each([0, 1, 2] as const)(
    'at QoS %i, so does the call; trying again sends the records',
    async (qos) => {
      await store(ruleOf('r'));
      await metered.connect(mint, 'publisher');
      const { stores, service } = metered.service;
      const session = await stores.sessions.get({ tenant, clientId: 'publisher' });
      const { address } = session ?? expect.fail();
      const packet = publish('orders/1', 'x', { qos, ...(qos === 0 ? {} : { messageId: 1 }) });
      const frame = () =>
        service.broker.message(address ?? expect.fail(), encodePackets(encodePacket(packet, 5)));
      failing = true;
      await expect(frame()).rejects.toThrow('the queue is away');
      expect(sent).toEqual([]);
      failing = false;
      expect(await frame()).toMatch(/^\./);
      expect(told()).toEqual([['r', 'orders/1', 'x']]);
    },
  );
});

test('once rules are switched off, messages are published, and what rules miss is counted', async () => {
  await store(ruleOf('r'));
  const { context } = metered.service.service;
  const { ruleQueue: _, ...off } = context;
  const { rules } = await context.subscriptions.audience(tenant, 'orders/+', { consistent: true, limit: 1 });
  expect(rules).toHaveLength(1);
  const live = (await context.tenants.readLive(tenant, true)) ?? expect.fail();
  const message: Message = {
    id: 'M',
    topic: 'orders/1',
    payload: Buffer.from('x'),
    qos: 1,
    retain: false,
    properties: {},
  };
  expect(
    await publishMessages(off, { tenant, live, requests: [message], judge: takeAsIs, hops: 2 }),
  ).toHaveLength(1);
  expect(metered.service.counters.get(metrics.rulesWithoutQueue)).toBe(1);
  expect(sent).toEqual([]);
  await publishMessages(context, { tenant, live, requests: [message], judge: takeAsIs, hops: 2 });
  expect(sent.map(({ hops }) => hops)).toEqual([2]);
});

test('beyond ruleDeliveriesPerSecond PUBLISH is refused with 0x97 until the debt is paid', async () => {
  const quotas = { ruleDeliveriesPerSecond: 1 };
  const other = vouchedTenantId('small');
  const small = await metered.service.tenant(other, { quotas });
  for (const name of ['a', 'b']) await putRule(metered.service.service.context, other, ruleOf(name));
  const client = await metered.connect(small, 'publisher');
  const codes: unknown[] = [];
  const send = async (messageId: number) => {
    const [puback] = await client.send(publish('orders/1', 'x', { qos: 1, messageId }));
    codes.push(puback?.reasonCode ?? 0);
  };
  for (let messageId = 1; messageId <= 7; messageId += 1) await send(messageId);
  expect(codes).toEqual([0, 0, 0, 0, 0, 0x97, 0x97]);
  expect(sent).toHaveLength(10);
  await metered.clock.advance(1_000);
  await send(8);
  expect(codes.at(-1)).toBe(0);
  expect(metered.service.logged.filter((line) => line.includes('rule-delivery-rate'))).toHaveLength(1);
});

test('a rule costs a publish no call, unit or round trip', async () => {
  const client = await metered.connect(mint, 'publisher');
  const subscriber = await metered.connect(mint, 'subscriber');
  await subscriber.send(subscribe(1, 'orders/+'));
  const costOf = async (messageId: number) => {
    const { storeCalls: _, ...cost } = await metered.measure(() =>
      client.send(publish('orders/1', 'x', { qos: messageId === 0 ? 0 : 1, messageId })),
    );
    return cost;
  };
  await costOf(0);
  const without = [await costOf(0), await costOf(1)];
  await store(ruleOf('r', { where: '{"topic":["orders/1"]}' }));
  expect([await costOf(0), await costOf(2)]).toEqual(without);
  expect(sent).toHaveLength(2);
});
