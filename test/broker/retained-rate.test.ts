import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Metered, startMetered } from '../bench/metered.ts';
import type { Got } from '../support/raw-client.ts';
import { publish, subscribe } from './packets.ts';

const retained = 2_500;
let metered: Metered;
beforeEach(async () => {
  metered = await startMetered();
});
afterEach(() => metered.close());

async function retain(quotas: object) {
  const mint = await metered.service.tenant('acme', { quotas });
  const publisher = await metered.connect(mint, 'publisher');
  for (let from = 0; from < retained; from += 500)
    await publisher.exchange(
      ...Array.from({ length: 500 }, (_, index) => publish(`r/${from + index}`, 'x', { retain: true })),
    );
  return mint;
}

const codeOf = ({ replies }: { replies: readonly Got[] }): unknown =>
  (replies.find(({ cmd }) => cmd === 'suback')?.granted as readonly number[] | undefined)?.[0];

test('a client that repeats SUBSCRIBE # starts as many chains as its packet rate has runs', async () => {
  const client = await metered.connect(await retain({}), 'client');
  const codes: unknown[] = [];
  const cost = await metered.measure(async () => {
    for (let sent = 0; sent < 40; sent += 1) codes.push(codeOf(await client.exchange(subscribe(1, 'r/#'))));
    await metered.service.queues.idle();
  });
  const granted = codes.filter((code) => code === 0).length;
  // A burst of 10,000 packets, and 1,000 for each second that the test takes.
  expect(granted).toBeGreaterThanOrEqual(9);
  expect(granted).toBeLessThanOrEqual(20);
  expect(codes.at(-1)).toBe(0x97);
  expect(cost.readUnits).toBeLessThanOrEqual(granted * 70 + 40 * 2);
});

test('an honest client gets all retained messages at its reconnect', async () => {
  const client = await metered.connect(await retain({}), 'client');
  const got = await client.exchange(subscribe(1, 'r/#'));
  expect(codeOf(got)).toBe(0);
  await metered.service.queues.idle();
  const later = await client.exchange({ cmd: 'pingreq' });
  const topics = [...got.pushes, ...later.pushes].map(({ topic }) => topic);
  expect(new Set(topics).size).toBe(retained);
});
