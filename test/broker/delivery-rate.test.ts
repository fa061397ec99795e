import { afterEach, expect, test } from 'vitest';
import { metrics } from '../../lib/core/metrics.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { type Metered, startMetered } from '../bench/metered.ts';
import type { RawClient } from '../support/raw-client.ts';
import type { Mint } from '../support/service.ts';
import { publish, subscribe } from './packets.ts';

const subscribers = 200;
/** A burst of ten seconds holds five messages for 200 subscribers. */
const quotas = { deliveriesPerSecond: 100, packetsPerSecond: 1e6 };
let metered: Metered;
afterEach(() => metered.close());

async function start(inlineAudience: number): Promise<Mint> {
  metered = await startMetered({ settings: { ...defaultSettings, inlineAudience } });
  const mint = await metered.service.tenant('acme', { quotas });
  for (let index = 0; index < subscribers; index += 1) {
    const client = await metered.connect(mint, `subscriber-${index}`);
    await client.send(subscribe(1, 't'));
  }
  return mint;
}

function delivered(): number {
  return metered.service.counters.get(metrics.messagesDelivered) ?? 0;
}

async function codesOf(client: RawClient, qos: 1 | 2, count: number): Promise<unknown[]> {
  const codes: unknown[] = [];
  for (let messageId = 1; messageId <= count; messageId += 1)
    codes.push((await client.send(publish('t', 'x', { qos, messageId })))[0]?.reasonCode);
  return codes;
}

/** Every one of the messages was delivered: 10,000 posts. */
test.each([
  ['by the handler of the publisher', 256],
  ['through the fan-out queue', 64],
])('50 messages to 200 subscribers, %s', async (_, inlineAudience) => {
  const mint = await start(inlineAudience);
  const publisher = await metered.connect(mint, 'publisher');
  const codes = await codesOf(publisher, 1, 50);
  await metered.service.queues.idle();
  const admitted = codes.filter((code) => code === 0).length;
  expect(codes.slice(admitted)).toEqual(Array(50 - admitted).fill(0x97));
  // The size of an audience for the queue is estimated.
  expect(admitted).toBeGreaterThanOrEqual(inlineAudience > subscribers ? 5 : 4);
  expect(admitted).toBeLessThanOrEqual(inlineAudience > subscribers ? 5 : 7);
  expect(delivered()).toBe(admitted * subscribers);
  expect(metered.service.counters.get(metrics.publishesOverQuota)).toBe(50 - admitted);
  expect(metered.service.logged.filter((line) => line.includes('delivery-rate'))).toHaveLength(1);
});

test('answers: 0x97 in PUBREC, QoS 0 is dropped, 3.1.1 is closed, HTTP gets 429; time pays back', async () => {
  const mint = await start(256);
  const publisher = await metered.connect(mint, 'publisher');
  await codesOf(publisher, 1, 5);
  const before = delivered();
  const cost = await metered.measure(async () => {
    expect(await codesOf(publisher, 2, 1)).toEqual([0x97]);
    expect(await publisher.exchange(publish('t', 'x'))).toMatchObject({ replies: [], pushes: [] });
  });
  expect(cost.writeUnits).toBe(0);

  const old = await metered.connect(mint, 'old', { protocolVersion: 4 });
  expect((await old.exchange(publish('t', 'x', { qos: 1, messageId: 1 }))).closed).toBeDefined();
  const authorization = `Bearer ${await mint()}`;
  const url = `${metered.service.publishUrl}/t`;
  const answer = await fetch(url, { method: 'POST', headers: { authorization }, body: 'x' });
  expect(answer.status).toBe(429);
  expect(await answer.json()).toMatchObject({ code: 'delivery-rate' });
  expect(delivered()).toBe(before);

  await metered.clock.advance(2_000);
  expect(await codesOf(publisher, 2, 2)).toEqual([0, 0x97]);
  expect(delivered()).toBe(before + subscribers);
});
