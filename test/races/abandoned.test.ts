import { describe, expect, it } from 'vitest';
import type { Client, ClientOptions } from './client.ts';
import { crashUnderSeeds, type Scenario, schedules } from './explore.ts';
import { checkDeliveries, textOf } from './invariants.ts';

/**
 * A subscriber stays online while a handler that sends its queue dies. It gets everything that was
 * acknowledged within the time of two leases, though nobody publishes any more and no look at its
 * connection is due.
 */
function dyingSender(qos: 1 | 2, options: Partial<ClientOptions>): Scenario {
  let subscriber: Client;
  let publishers: Client[];
  return {
    async prepare(world) {
      await world.startEdge('A');
      subscriber = world.client({ id: 'sub', ...options });
      publishers = [1, 2].map((number) => world.client({ id: `pub${number}-`, packetsPerFrame: 1 }));
      await world.settle();
      subscriber.subscribe('a/b', qos);
      await world.settle();
    },
    race(world) {
      for (const publisher of publishers)
        for (let number = 1; number <= 3; number += 1)
          publisher.publish('a/b', textOf(publisher, number), qos);
      world.passTime(15_000);
    },
    async afterwards(world) {
      for (let step = 0; step < 6; step += 1) {
        await world.settle();
        world.advance(15_000);
      }
      await world.settle();
    },
    check(world) {
      checkDeliveries(world, subscriber, publishers, qos);
      if (world.timers.some(({ timer }) => timer.kind === 'sender')) world.violation('a timer is left');
    },
  };
}

describe.each([
  ['through API Gateway', 'one by one', { receiveMaximum: 1 }],
  ['at an edge', 'two at a time', { receiveMaximum: 2, edge: 'A' }],
])('a subscriber %s, %s', (_, __, options) => {
  it.each([1, 2] as const)(
    'is not held up for long by a sender that dies, QoS %i',
    async (qos) => {
      const count = await crashUnderSeeds(() => dyingSender(qos, options), schedules / 75);
      expect(count).toBeGreaterThan(40);
    },
    240_000,
  );
});
