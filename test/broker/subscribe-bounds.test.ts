import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultSettings } from '../../lib/core/settings.ts';
import { type Metered, startMetered } from '../bench/metered.ts';
import type { RawClient } from '../support/raw-client.ts';
import type { Mint } from '../support/service.ts';
import { publish, subscribe, unsubscribe } from './packets.ts';

const { maxShapes } = defaultSettings;
let metered: Metered;
let mint: Mint;
let client: RawClient;
beforeEach(async () => {
  metered = await startMetered();
  mint = await metered.service.tenant('acme', { quotas: { shapesPerClient: maxShapes } });
  client = await metered.connect(mint, 'client');
});
afterEach(() => metered.close());

const many = <T>(length: number, make: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => make(index));

async function retain(count: number): Promise<void> {
  const publisher = await metered.connect(mint, 'publisher');
  const packets = many(count, (index) => publish(`retained/${index}`, 'x', { retain: true }));
  for (let from = 0; from < count; from += 50) await publisher.send(...packets.slice(from, from + 50));
}

/** 100 × SUBSCRIBE in one frame: 4,215 read units and 2,002 pushes when each read by itself. */
test('a filter that a frame names 100 times reads its retained messages once', async () => {
  await retain(300);
  const frame = many(100, (index) => subscribe(index + 1, { topic: '#', qos: index === 99 ? 1 : 0 }));
  let answered = 0;
  const cost = await metered.measure(async () => {
    const { replies, pushes } = await client.exchange(...frame);
    answered = replies.length;
    expect(pushes.map(({ topic }) => topic)).toHaveLength(300);
    expect(replies[98]).toMatchObject({ granted: [0] });
    expect(replies[99]).toMatchObject({ granted: [1] });
  });
  expect(answered).toBe(100);
  expect(cost.readUnits).toBeLessThan(40);
  // Four copies with the new shape, its count and the search, list entry, subscription.
  expect(cost.writeUnits).toBeLessThanOrEqual(10);
  expect(cost.messagesOut).toBeLessThanOrEqual(5);
});

test('retained messages beyond the bound of a frame follow by timers, without the frame waiting', async () => {
  await metered.close();
  // The timer of the rest is due at once and would run beside the frame.
  const held: (() => Promise<void>)[] = [];
  let holds = true;
  metered = await startMetered({
    settings: { ...defaultSettings, retainedPerRun: 100, retainedReadsPerRun: 3 },
    wrapPorts: (ports) => ({
      ...ports,
      timers: {
        ...ports.timers,
        async schedule(timer, dueAtMs) {
          const go = () => ports.timers.schedule(timer, dueAtMs);
          if (holds && timer.kind === 'retained') held.push(go);
          else await go();
        },
      },
    }),
  });
  mint = await metered.service.tenant('acme');
  client = await metered.connect(mint, 'client');
  await retain(450);
  const { pushes } = await client.exchange(subscribe(1, '#'));
  expect(pushes).toHaveLength(100);
  expect(held).toHaveLength(1);
  holds = false;
  for (const go of held) await go();
  const topics = new Set(pushes.map(({ topic }) => topic));
  for (let step = 0; step < 5; step += 1) {
    await metered.clock.advance(1_000);
    await metered.service.queues.idle();
    for (const { topic } of (await client.exchange({ cmd: 'pingreq' })).pushes) topics.add(topic);
  }
  expect(topics.size).toBe(450);
});

/** 4,010 write units for 12 KB when each refused filter tried to add its shape. */
test('filters refused for their shapes or permissions write nothing', async () => {
  const shapes = many(maxShapes, (index) => `+${'/a'.repeat(index % 31)}${index < 31 ? '' : '/+'}`);
  const free = new Set(shapes);
  await client.send(subscribe(1, ...free));
  const rest = many(maxShapes - free.size, (index) => `x/+/+${'/y'.repeat(index)}`);
  await client.send(subscribe(2, ...rest));
  const refused = many(28, (index) => `${'z/'.repeat(index)}+/+/+/#`);
  const cost = await metered.measure(async () => {
    const { replies } = await client.exchange(...many(10, (index) => subscribe(3 + index, ...refused)));
    expect(replies).toHaveLength(10);
    for (const reply of replies) expect(reply).toMatchObject({ granted: refused.map(() => 0x97) });
  });
  expect(cost.writeUnits).toBe(0);
  expect(cost.readUnits).toBeLessThanOrEqual(8);
});

test('UNSUBSCRIBE of filters that do not exist writes nothing', async () => {
  await client.send(subscribe(1, 'here'));
  const cost = await metered.measure(async () => {
    const packets = many(2, (index) => unsubscribe(2 + index, 'here', ...many(100, (n) => `absent/${n}`)));
    const { replies } = await client.exchange(...packets);
    expect(replies).toMatchObject([
      { granted: [0, ...many(100, () => 0x11)] },
      { granted: [0x11, ...many(100, () => 0x11)] },
    ]);
  });
  expect(cost.writeUnits).toBe(2);
  expect(cost.readUnits).toBeLessThanOrEqual(2);
});

test('1,000 filters take few round trips, and a duplicate has the last options', async () => {
  const filters = many(1_000, (index) => `many/${index}`);
  const cost = await metered.measure(async () => {
    const { replies } = await client.exchange(subscribe(1, ...filters));
    expect(replies).toMatchObject([{ granted: filters.map(() => 0) }]);
  });
  expect(cost.calls).toBeLessThanOrEqual(101);
  // Six for the new shape, one for the usage of 1,000 packets.
  expect(cost.writeUnits).toBeLessThanOrEqual(2 * filters.length + 7);
  const { replies } = await client.exchange(
    subscribe(2, { topic: 'many/1', qos: 2 }, { topic: 'many/1', qos: 1 }),
    unsubscribe(3, ...filters.slice(10)),
  );
  expect(replies).toMatchObject([{ granted: [2, 1] }, { granted: filters.slice(10).map(() => 0) }]);
  const listed = await metered.service.stores.sessionSubscriptions.list({
    tenant: mint.tenant as never,
    clientId: 'client',
  });
  expect(listed).toHaveLength(10);
  expect(listed.find(({ filter }) => filter === 'many/1')).toMatchObject({ qos: 1 });
});
