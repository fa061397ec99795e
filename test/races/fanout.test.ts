import { describe, expect, it } from 'vitest';
import type { Client } from './client.ts';
import { crashEverywhere, crashUnderSeeds, exploreRandomly, type Scenario, schedules } from './explore.ts';
import { checkDeliveries, checkEmptyQueues, checkNoMarks, textOf } from './invariants.ts';
import { crashScenarios, scenarios } from './scenarios.ts';

/** The fan-out queue serves every audience, in two slices, with one client per batch. */
const everythingQueued = { inlineAudience: 0, fanoutSlices: 2, sliceBatchClients: 1 };

const queued = (scenario: Scenario | undefined): Scenario => {
  if (scenario === undefined) throw new Error('no such scenario');
  return { ...scenario, settings: { ...scenario.settings, ...everythingQueued } };
};

describe.each([1, 2] as const)('races through the fan-out queue at QoS %i', (qos) => {
  for (const [name, make] of Object.entries(scenarios))
    it(`${name}: random schedules`, () => exploreRandomly(queued(make(qos))), 240_000);
});

describe.each([1, 2] as const)('a handler or worker stopped before each of its calls, QoS %i', (qos) => {
  for (const name of [
    'deliver and resume',
    'takeover and publish',
    'acknowledge and deliver, Receive Maximum 2',
  ])
    it(name, async () => {
      const count = await crashUnderSeeds(() => queued(crashScenarios[name]?.(qos)), schedules / 150);
      expect(count).toBeGreaterThan(20);
    }, 240_000);
});

/**
 * Two clients subscribe to a topic, more than are served inline. One of them leaves while messages
 * are published, so later messages could be served inline while earlier ones wait in the queue.
 */
function shrinking(qos: 0 | 1 | 2, filter: string): Scenario {
  let subscriber: Client;
  let publisher: Client;
  return {
    settings: { inlineAudience: 1, fanoutSlices: 2, sliceBatchClients: 1 },
    async prepare(world) {
      subscriber = world.client({ id: 'sub' });
      const other = world.client({ id: 'other' });
      publisher = world.client({ id: 'pub', packetsPerFrame: 1 });
      await world.settle();
      for (const client of [subscriber, other]) client.subscribe(filter, qos);
      await world.settle();
      world.events.push({ actor: 'other', label: 'unsubscribes', run: () => other.unsubscribe(filter) });
    },
    race() {
      for (const number of [1, 2, 3, 4]) publisher.publish('a/b', textOf(publisher, number), qos);
    },
    check(world) {
      if (qos > 0) checkDeliveries(world, subscriber, [publisher], qos as 1 | 2);
      const texts = subscriber.arrivals.map(({ text }) => text);
      const expected = [1, 2, 3, 4].map((number) => textOf(publisher, number));
      if (texts.join(' ') !== expected.join(' ')) world.violation(`got ${texts.join(' ')}`);
      checkEmptyQueues(world);
      checkNoMarks(world);
    },
  };
}

describe.each([0, 1, 2] as const)('an audience that becomes small, QoS %i', (qos) => {
  it.each(['a/b', 'a/+', '#'])(
    'keeps its order, subscribed by %s',
    (filter) => exploreRandomly(shrinking(qos, filter)),
    240_000,
  );
});

/** QoS 0 messages that a crashed worker has begun to send are not sent twice. */
describe('QoS 0', () => {
  it('comes at most once, whichever call a worker dies at', async () => {
    const subscribers: Client[] = [];
    const scenario: Scenario = {
      settings: { ...everythingQueued, sliceBatchClients: 2 },
      async prepare(world) {
        subscribers.length = 0;
        for (let index = 0; index < 5; index += 1) subscribers.push(world.client({ id: `sub${index}-` }));
        world.client({ id: 'pub' });
        await world.settle();
        for (const client of subscribers) client.subscribe('a/b', 0);
        await world.settle();
      },
      race(world) {
        const publisher = world.clients.at(-1);
        if (publisher !== undefined) publisher.publish('a/b', textOf(publisher, 1), 0);
      },
      check(world) {
        for (const { options, arrivals } of subscribers)
          if (arrivals.length > 1) world.violation(`${options.id} got it ${arrivals.length} times`);
      },
    };
    for (let seed = 1; seed <= 3; seed += 1) await crashEverywhere(scenario, seed);
    await exploreRandomly(
      {
        ...scenario,
        check(world) {
          scenario.check(world);
          for (const { options, arrivals } of subscribers)
            if (arrivals.length !== 1) world.violation(`${options.id} got it ${arrivals.length} times`);
        },
      },
      20,
    );
  }, 240_000);
});
