import { expect, it } from 'vitest';
import { checkDeliveries, textOf } from './invariants.ts';
import { World } from './world.ts';

/** Fourth of all handlers, after those of the CONNECTs and the SUBSCRIBE. */
const framesHandler = 'pub#4';
/** 16 small messages take three rows of a queue. */
const messages = 16;

/**
 * Stops the handler of a frame before its call with this number, while the store finishes the
 * newest of concurrent calls first. The subscriber connects again before the publisher does.
 * @returns whether the handler made that call.
 */
async function stoppedBefore(call: number, qos: 1 | 2): Promise<boolean> {
  const world = new World();
  const subscriber = world.client({ id: 'sub' });
  const publisher = world.client({ id: 'pub' });
  await world.settle();
  subscriber.subscribe('a/b', qos);
  await world.settle();
  world.scheduler.chooser = (steps, current) => {
    const newest = steps.findLastIndex(({ actor }) => actor === current);
    return Math.max(0, newest);
  };
  for (let number = 1; number <= messages; number += 1)
    publisher.publish('a/b', textOf(publisher, number), qos);
  publisher.online = false;
  world.faults = { crash: { handler: framesHandler, call } };
  await world.scheduler.run();
  const stopped = world.scheduler.trace.some((line) => line.includes('CRASH'));
  world.faults = {};
  subscriber.connect();
  await world.settle();
  publisher.online = true;
  publisher.connect();
  await world.settle();
  checkDeliveries(world, subscriber, [publisher], qos);
  expect(world.violations, `stopped before call ${call}\n${world.scheduler.trace.join('\n')}`).toEqual([]);
  return stopped;
}

it.each([1, 2] as const)(
  'a handler that dies between the rows of a batch leaves its beginning, QoS %i',
  async (qos) => {
    let call = 0;
    while (await stoppedBefore(call, qos)) call += 1;
    expect(call).toBeGreaterThan(6);
  },
  120_000,
);
