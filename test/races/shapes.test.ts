import { describe, expect, it } from 'vitest';
import type { Timer } from '../../lib/core/timers.ts';
import { createLiveTenantTable } from '../../lib/store/tenant-live.ts';
import type { Client } from './client.ts';
import { crashUnderSeeds, exploreAll, exploreRandomly, type Scenario, schedules } from './explore.ts';
import { checkDeliveries, textOf } from './invariants.ts';
import { clientOf, memoryTables } from './memory-dynamo.ts';
import type { Chooser } from './scheduler.ts';
import { World } from './world.ts';

const settleMs = 35_000;

function startSearch(world: World): void {
  const timer: Timer = { kind: 'shapes', phase: 'find', tenant: world.tenant, dollar: [], marks: [] };
  world.timers.push({ timer, dueAtMs: world.nowMs });
}

/** Lets the walk that decides about shapes that go come, with handlers of up to 30 s under way. */
function passSettleTime(world: World): void {
  world.passTime(20_000);
  world.passTime(20_000);
}

/** Walks that are going to decide about shapes that go. */
function confirming(world: World): number {
  return world.timers.filter(({ timer }) => timer.kind === 'shapes' && timer.phase === 'confirm').length;
}

function storedShapes(world: World) {
  const client = clientOf(async (command) => world.db.run(command));
  return createLiveTenantTable(client, memoryTables.tenants, () => world.nowMs).readShapes(world.tenant);
}

/**
 * The shape `=/+` has lost its only subscription. A search removes it while somebody subscribes
 * with it, and a publisher publishes before and after the SUBACK.
 */
function removalScenario(
  options: { readonly searches?: number; readonly again?: boolean; readonly leaves?: boolean } = {},
): Scenario {
  let subscriber: Client;
  let publisher: Client;
  return {
    async prepare(world) {
      const earlier = world.client({ id: 'earlier' });
      subscriber = world.client({ id: 'sub', packetsPerFrame: 1 });
      publisher = world.client({ id: 'pub', packetsPerFrame: 1 });
      await world.settle();
      earlier.subscribe('old/+', 1);
      await world.settle();
      earlier.unsubscribe('old/+');
      await world.settle();
    },
    race(world) {
      for (let search = 0; search < (options.searches ?? 1); search += 1) startSearch(world);
      passSettleTime(world);
      subscriber.subscribe('new/+', 1);
      if (options.leaves === true) {
        subscriber.unsubscribe('new/+');
        subscriber.subscribe('newer/+', 1);
      }
      if (options.again === true)
        world.events.push({
          actor: 'queue',
          label: 'delivers the timers again',
          ready: () => confirming(world) > 0,
          run: () => world.timers.push(...world.timers.filter(({ timer }) => timer.kind === 'shapes')),
        });
      world.events.push({
        actor: 'pub',
        label: 'publishes',
        run: () => {
          const late = subscriber.subscribed.has('new/+') && options.leaves !== true;
          publisher.publish('new/a', late ? textOf(publisher, 1) : 'early', 1);
        },
      });
    },
    async afterwards(world) {
      await world.settle();
      for (const timer of world.timers.splice(0)) if (timer.timer.kind !== 'shapes') world.timers.push(timer);
      publisher.publish(options.leaves === true ? 'newer/a' : 'new/a', textOf(publisher, 2), 1);
      await world.settle();
    },
    check(world) {
      const wanted = options.leaves === true ? 'newer/+' : 'new/+';
      if (subscriber.subscribed.has(wanted))
        checkDeliveries(world, subscriber, [publisher], 1, wanted.replace('+', 'a'));
    },
  };
}

describe('removing a shape while a client subscribes with it', () => {
  const cases: Record<string, Parameters<typeof removalScenario>[0]> = {
    'one search': {},
    'two searches at the same time': { searches: 2 },
    'timers that arrive twice': { searches: 2, again: true },
    'the client gives the shape up and asks for it again': { searches: 2, leaves: true },
  };
  for (const [name, options] of Object.entries(cases)) {
    it(`${name}: who has a SUBACK gets what is published afterwards`, async () => {
      await exploreRandomly(removalScenario(options), schedules * 4);
    }, 240_000);

    it(`${name}: likewise when a handler stops before any of its calls`, async () => {
      const count = await crashUnderSeeds(() => removalScenario(options), schedules / 30);
      expect(count).toBeGreaterThan(20);
    }, 240_000);
  }

  it('every schedule with two preemptions', async () => {
    const { count } = await exploreAll(removalScenario(), 2);
    expect(count).toBeGreaterThan(100);
  }, 240_000);
});

/** Lets a handler of `sub` make some calls, then everything else go first. */
function delaying(calls: number): Chooser {
  let made = 0;
  return (steps) => {
    const mine = steps.findIndex(({ actor }) => actor.startsWith('sub#'));
    const other = steps.findIndex(({ actor }) => !actor.startsWith('sub#'));
    if (mine < 0 || (other >= 0 && made >= calls)) return other;
    made += 1;
    return mine;
  };
}

/** More calls than SUBSCRIBE makes. */
const subscribeCalls = 16;

describe('a SUBSCRIBE that is delayed at any of its calls until the shape has been decided about', () => {
  it.each([
    ['began before the shape went', false, false],
    ['began after the shape went', true, false],
    ['began after the shape went, and another search makes it go again', true, true],
  ])('%s', async (_, late, second) => {
    for (let calls = 0; calls <= subscribeCalls; calls += 1) {
      const world = new World({ seed: calls });
      const subscriber = world.client({ id: 'sub' });
      const publisher = world.client({ id: 'pub' });
      await world.settle();
      publisher.subscribe('old/+', 1);
      await world.settle();
      publisher.unsubscribe('old/+');
      await world.settle();
      startSearch(world);
      if (late) {
        await world.settle();
        world.advance(20_000);
      }
      const begun = world.scheduler.trace.length;
      subscriber.subscribe('new/+', 1);
      if (second)
        world.events.push({
          actor: 'operator',
          label: 'searches again',
          ready: () => world.scheduler.trace.slice(begun).some((line) => line.startsWith('sub#')),
          run: () => startSearch(world),
        });
      world.events.push({
        actor: 'clock',
        label: 'may go on',
        ready: () => !second || confirming(world) === 2,
        run: () => passSettleTime(world),
      });
      world.scheduler.chooser = delaying(calls);
      await world.scheduler.run();
      publisher.publish('new/a', textOf(publisher, 1), 1);
      await world.settle();
      world.advance(settleMs);
      await world.settle();
      publisher.publish('new/a', textOf(publisher, 2), 1);
      await world.settle();
      expect(world.errors).toEqual([]);
      expect(
        subscriber.arrivals.map(({ text }) => text),
        `delayed after ${calls} calls\n${world.scheduler.trace.join('\n')}`,
      ).toEqual(['pub:1', 'pub:2']);
    }
  });
});

describe('what a search leaves', () => {
  async function searched(prepare: (world: World, client: Client) => Promise<void>): Promise<World> {
    const world = new World();
    const client = world.client({ id: 'client' });
    await world.settle();
    client.subscribe('a/+', 1);
    client.subscribe('#', 1);
    await world.settle();
    client.unsubscribe('a/+');
    await world.settle();
    await prepare(world, client);
    startSearch(world);
    await world.settle();
    return world;
  }

  it('an unused shape goes, and is removed after the settling time', async () => {
    const world = await searched(async () => undefined);
    expect(await storedShapes(world)).toMatchObject({
      shapes: new Set(['#']),
      going: [{ shape: '=/+' }],
    });
    world.advance(settleMs);
    await world.settle();
    expect(await storedShapes(world)).toMatchObject({ shapes: new Set(['#']), going: [] });
    expect(world.counters.get('ShapesRemoved')).toBe(1);
  });

  it.each(['DELETE shapes :shapes ADD going :going', 'timer shapes', 'DELETE going :going'])(
    'the next search ends one that stopped before %s',
    async (label) => {
      const world = await searched(async (prepared) => {
        prepared.faults = { crashBefore: label.startsWith('timer') ? label : `UpdateItem  ${label}`.trim() };
      });
      world.advance(settleMs);
      await world.settle();
      world.faults = {};
      startSearch(world);
      await world.settle();
      world.advance(settleMs);
      await world.settle();
      expect(world.scheduler.trace.some((line) => line.includes('CRASH'))).toBe(true);
      expect(await storedShapes(world)).toMatchObject({ shapes: new Set(['#']), going: [] });
    },
  );
});
