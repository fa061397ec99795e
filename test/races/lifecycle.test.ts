import { describe, it } from 'vitest';
import type { Client, ClientOptions } from './client.ts';
import { exploreRandomly, type Scenario } from './explore.ts';
import { checkDeliveries, checkEmptyQueues, textOf } from './invariants.ts';
import type { World } from './world.ts';

/** How often the watcher received the Will of one connection of `client`. */
function wills(watcher: Client): string[] {
  return watcher.arrivals.filter(({ topic }) => topic === 'will').map(({ text }) => text);
}

interface WillCase {
  readonly client?: Partial<ClientOptions>;
  readonly race: (world: World, client: Client) => void;
  readonly after?: (world: World, client: Client) => Promise<void>;
  readonly disconnects?: number;
  /** How often the Will must arrive, or a minimum and maximum. */
  readonly times: (world: World, client: Client) => number | readonly [number, number];
}

function willScenario({ client: options, race, after, times, disconnects }: WillCase): Scenario {
  let watcher: Client;
  let client: Client;
  return {
    ...(disconnects === undefined ? {} : { faults: { disconnects: () => disconnects } }),
    async prepare(world) {
      watcher = world.client({ id: 'watch' });
      await world.settle();
      watcher.subscribe('will', 1);
      client = world.client({ id: 'client', will: { topic: 'will', text: 'gone' }, ...options });
      await world.settle();
    },
    race: (world) => race(world, client),
    async afterwards(world) {
      await world.settle();
      await after?.(world, client);
    },
    check(world) {
      const came = wills(watcher).length;
      const wanted = times(world, client);
      const [least, most] = typeof wanted === 'number' ? [wanted, wanted] : wanted;
      if (came < least || came > most)
        world.violation(`the Will came ${came} times instead of ${least} to ${most}`);
    },
  };
}

const lose = (world: World, client: Client): void => {
  if (client.socket !== undefined) world.lose(client.socket);
};

const willCases: Record<string, WillCase> = {
  'network lost and back at once [MQTT-3.1.2-8 v3+v5]': {
    race: lose,
    times: () => 1,
  },
  'network lost, $disconnect twice': { race: lose, disconnects: 2, times: () => 1 },
  'network lost, $disconnect never: the next connection publishes': {
    race: lose,
    disconnects: 0,
    times: () => 1,
  },
  'taken over': { race: (_, client) => client.connect(), times: () => 1 },
  'taken over twice at once': {
    race: (world, client) => {
      client.connect();
      world.events.push({ actor: 'client', label: 'connects again', run: () => client.connect() });
    },
    // Delayed connections may take the session over: each accepted one but the last leaves its
    // Will.
    times: (_, client) => [1, client.sockets - 1],
  },
  'DISCONNECT and back at once discards it [MQTT-3.14.4-3 v3+v5]': {
    race: (_, client) => {
      client.disconnect();
      client.online = true;
    },
    times: () => 0,
  },
  'clean start ends the session': {
    race: (_, client) => {
      client.cleanStart = true;
      client.connect();
    },
    times: () => 1,
  },
  'a delayed Will of a client that is back in time does not come [MQTT-3.1.3-9 v5]': {
    client: { will: { topic: 'will', text: 'gone', delaySeconds: 10 } },
    race: lose,
    after: async (world) => {
      world.advance(60_000);
      await world.settle();
    },
    times: () => 0,
  },
  'a delayed Will of a client that stays away comes once, with its session over too [MQTT-3.1.3-9 v5]': {
    client: { will: { topic: 'will', text: 'gone', delaySeconds: 10 }, expirySeconds: 10 },
    race: (world, client) => {
      client.online = false;
      lose(world, client);
      world.events.push({ actor: 'clock', label: 'goes on', run: () => world.advance(60_000) });
    },
    after: async (world) => {
      world.advance(60_000);
      await world.settle();
    },
    times: () => 1,
  },
};

describe('Wills come once', () => {
  for (const [name, willCase] of Object.entries(willCases))
    it(name, async () => {
      await exploreRandomly(willScenario(willCase));
    }, 120_000);
});

/** A subscriber's session ends during publishing: no row is left, and its next session is empty. */
function endingScenario(
  race: (world: World, subscriber: Client) => void,
  options: Partial<ClientOptions> = {},
): Scenario {
  let subscriber: Client;
  let publisher: Client;
  return {
    async prepare(world) {
      subscriber = world.client({ id: 'sub', ...options });
      publisher = world.client({ id: 'pub' });
      await world.settle();
      subscriber.subscribe('a/b', 2);
      await world.settle();
    },
    race(world) {
      for (let number = 1; number <= 4; number += 1)
        publisher.publish('a/b', textOf(publisher, number), (1 + (number % 2)) as 1 | 2);
      race(world, subscriber);
    },
    async afterwards(world) {
      world.advance(11_000);
      await world.settle();
      subscriber.online = true;
      await world.settle();
      subscriber.subscribe('a/b', 1);
      await world.settle();
      publisher.publish('a/b', textOf(publisher, 5), 1);
      await world.settle();
    },
    check(world) {
      const lastLife = subscriber.arrivals.filter(({ life }) => life === subscriber.life);
      if (lastLife.length === 0 || lastLife.some(({ text }) => text !== textOf(publisher, 5)))
        world.violation(`the new session got ${lastLife.map(({ text }) => text).join(' ') || 'nothing'}`);
      if (!publisher.idle) world.violation(`unacknowledged: ${publisher.unacknowledged.join(' ')}`);
      checkEmptyQueues(world);
      const rows = world.db.rows('subscriptions').length;
      if (rows !== 1) world.violation(`${rows} subscriptions are left`);
    },
  };
}

describe('the end of a session and publishing', () => {
  it('clean start while messages are under way [MQTT-3.1.2-4 v5, MQTT-3.1.2-6 v3]', async () => {
    await exploreRandomly(
      endingScenario((world, subscriber) => {
        world.events.push({
          actor: 'sub',
          label: 'starts clean',
          run: () => {
            subscriber.cleanStart = true;
            subscriber.connect();
          },
        });
      }),
    );
  }, 120_000);

  it('a session without expiry ends with its connection', async () => {
    await exploreRandomly(
      endingScenario(
        (world, subscriber) => {
          world.events.push({
            actor: 'sub',
            label: 'is lost',
            run: () => {
              subscriber.online = false;
              lose(world, subscriber);
            },
          });
        },
        { expirySeconds: 0 },
      ),
    );
  }, 120_000);

  it('a session expires while messages come', async () => {
    await exploreRandomly(
      endingScenario(
        (world, subscriber) => {
          subscriber.online = false;
          lose(world, subscriber);
          world.events.push({ actor: 'clock', label: 'goes on', run: () => world.advance(11_000) });
        },
        { expirySeconds: 10 },
      ),
    );
  }, 120_000);
});

describe('subscribing and publishing', () => {
  it('unsubscribe while messages come: nothing sticks, what was acknowledged before is there', async () => {
    let subscriber: Client;
    let publisher: Client;
    await exploreRandomly({
      async prepare(world) {
        subscriber = world.client({ id: 'sub', receiveMaximum: 2 });
        publisher = world.client({ id: 'pub' });
        await world.settle();
        subscriber.subscribe('a/b', 2);
        subscriber.subscribe('c', 2);
        await world.settle();
      },
      race() {
        for (let number = 1; number <= 3; number += 1) {
          publisher.publish('a/b', `x${number}`, 2);
          publisher.publish('c', textOf(publisher, number), 2);
        }
        subscriber.unsubscribe('a/b');
      },
      check(world) {
        checkDeliveries(world, subscriber, [publisher], 2, 'c');
        checkEmptyQueues(world);
      },
    });
  }, 120_000);

  it('who has a SUBACK gets every message that is acknowledged from then on', async () => {
    let subscriber: Client;
    let publisher: Client;
    await exploreRandomly({
      async prepare(world) {
        subscriber = world.client({ id: 'sub' });
        publisher = world.client({ id: 'pub', packetsPerFrame: 1 });
        await world.settle();
      },
      race(world) {
        subscriber.subscribe('new/+', 2);
        world.events.push({
          actor: 'pub',
          label: 'publishes',
          run: () => {
            const late = subscriber.subscribed.has('new/+');
            publisher.publish('new/a', late ? textOf(publisher, 1) : 'early', 1);
          },
        });
      },
      check(world) {
        checkDeliveries(world, subscriber, [publisher], 1);
        checkEmptyQueues(world);
      },
    });
  }, 120_000);
});
