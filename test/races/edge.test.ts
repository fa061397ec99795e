import { describe, expect, it } from 'vitest';
import type { Client } from './client.ts';
import { crashEverywhere, crashUnderSeeds, exploreRandomly, type Scenario, schedules } from './explore.ts';
import { checkDeliveries, textOf } from './invariants.ts';
import type { World } from './world.ts';

/** Until the first look, and the one that finds the lease unchanged. */
function letItBeFound(world: World): void {
  for (let look = 0; look < 3; look += 1) world.passTime(15_000);
}

/**
 * An edge dies with clients of all kinds while messages come for them. A handler that is stopped
 * while it publishes a Will loses it, or leaves it in the queue of the watcher.
 */
function deathOfAnEdge(qos: 1 | 2, race: (world: World, subscriber: Client) => void = () => {}): Scenario {
  let watcher: Client;
  let subscriber: Client;
  let brief: Client;
  let publisher: Client;
  return {
    async prepare(world) {
      await world.startEdge('A');
      watcher = world.client({ id: 'watch' });
      publisher = world.client({ id: 'pub', packetsPerFrame: 1 });
      subscriber = world.client({ id: 'sub', edge: 'A', will: { topic: 'will', text: 'sub' } });
      brief = world.client({
        id: 'brief',
        edge: 'A',
        expirySeconds: 0,
        will: { topic: 'will', text: 'brief' },
      });
      await world.settle();
      watcher.subscribe('will', 1);
      subscriber.subscribe('a/b', qos);
      brief.subscribe('a/b', qos);
      await world.settle();
    },
    race(world) {
      for (let number = 1; number <= 3; number += 1) publisher.publish('a/b', textOf(publisher, number), qos);
      world.events.push({
        actor: 'edge',
        label: 'dies',
        run: () => {
          for (const client of [subscriber, brief]) client.online = false;
          world.killEdge('A');
          letItBeFound(world);
        },
      });
      race(world, subscriber);
    },
    async afterwards(world) {
      for (let look = 0; look < 3; look += 1) {
        world.advance(15_000);
        await world.settle();
      }
      for (const row of world.rowsOfEdge('A')) world.violation(`${row} is left`);
      if (world.db.rows('subscriptions').length !== 2) world.violation('a subscription is left');
      subscriber.edge = undefined;
      subscriber.online = true;
      await world.settle();
      publisher.publish('a/b', textOf(publisher, 4), qos);
      await world.settle();
    },
    check(world) {
      checkDeliveries(world, subscriber, [publisher], qos);
      for (const row of world.db.rows('sessions', 'q#'))
        if (row.session?.S !== 'tenant/watch') world.violation(`left in a queue: ${row.session?.S}`);
      for (const client of [subscriber, brief]) {
        const { id } = client.options;
        const came = watcher.arrivals.filter(({ text, dup }) => text === id && !dup).length;
        const least = world.scheduler.trace.some((line) => line.includes('CRASH')) ? 0 : 1;
        if (came < least || came > client.sockets) world.violation(`the Will of ${id} came ${came} times`);
      }
    },
  };
}

/** A look is stopped before it has set the next one. */
const beforeTheNextLook = /^timer edge-lease#\d+: CRASH before (GetItem e:A|timer edge-lease)$/;

describe.each([1, 2] as const)('an edge dies, QoS %i', (qos) => {
  it('its clients are lost, and get what was acknowledged when they come back', async () => {
    await exploreRandomly(deathOfAnEdge(qos), schedules / 3);
  }, 240_000);

  it('whoever looks at the lease and sweeps is stopped before each call', async () => {
    const count = await crashUnderSeeds(() => deathOfAnEdge(qos), schedules / 75);
    expect(count).toBeGreaterThan(40);
  }, 240_000);

  it('whoever looks or sweeps dies, and the queue delivers its timer minutes later', async () => {
    const scenario = deathOfAnEdge(qos);
    const late: Scenario = {
      ...scenario,
      redeliveryMs: 180_000,
      async afterwards(world) {
        if (world.scheduler.trace.some((line) => beforeTheNextLook.test(line))) {
          world.advance(180_000);
          await world.settle();
        }
        await scenario.afterwards?.(world);
      },
    };
    const count = await crashUnderSeeds(() => late, schedules / 75);
    expect(count).toBeGreaterThan(40);
  }, 240_000);

  it('a client moves to API Gateway while the sweep runs', async () => {
    await exploreRandomly(
      deathOfAnEdge(qos, (world, subscriber) => {
        world.events.push({
          actor: 'sub',
          label: 'moves',
          ready: () => subscriber.socket?.state !== 'open',
          run: () => {
            subscriber.edge = undefined;
            subscriber.online = true;
          },
        });
      }),
      schedules / 3,
    );
  }, 240_000);
});

/** Edges die one after another; their clients go to another one at once. */
function dyingEdges(qos: 1 | 2): Scenario {
  let subscriber: Client;
  let publisher: Client;
  let started: string[];
  let published: number;
  return {
    async prepare(world) {
      started = ['A', 'B', 'C'];
      published = 0;
      for (const edge of started) await world.startEdge(edge);
      publisher = world.client({ id: 'pub', edge: 'B', packetsPerFrame: 1 });
      subscriber = world.client({ id: 'sub', edge: 'A' });
      await world.settle();
      subscriber.subscribe('a/b', qos);
      await world.settle();
    },
    race(world, random) {
      for (let round = 0; round < 4; round += 1) {
        for (let count = 0; count < 2; count += 1) {
          published += 1;
          publisher.publish('a/b', textOf(publisher, published), qos);
        }
        world.events.push({
          actor: 'edges',
          label: 'one dies',
          run: () => {
            const [dead = '', ...living] = started.toSorted(() => random() - 0.5);
            if (living.length === 0) return;
            started = living;
            for (const client of [publisher, subscriber])
              if (client.edge === dead) client.edge = random() < 0.2 ? undefined : living[0];
            world.killEdge(dead);
          },
        });
        world.passTime(15_000);
      }
    },
    async afterwards(world) {
      for (let look = 0; look < 4; look += 1) {
        world.advance(15_000);
        await world.settle();
      }
    },
    check(world) {
      checkDeliveries(world, subscriber, [publisher], qos);
      for (const edge of ['A', 'B', 'C'].filter((name) => !started.includes(name)))
        for (const row of world.rowsOfEdge(edge)) world.violation(`${row} is left`);
    },
  };
}

it.each([1, 2] as const)(
  'edges die at random: nothing acknowledged is lost, and at QoS 2 nothing comes twice, QoS %i',
  async (qos) => {
    await exploreRandomly(dyingEdges(qos), schedules / 2);
    expect(await crashEverywhere(dyingEdges(qos), 1)).toBeGreaterThan(100);
  },
  240_000,
);
