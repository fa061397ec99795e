import type { Client, ClientOptions } from './client.ts';
import type { Scenario } from './explore.ts';
import { checkDeliveries, checkEmptyQueues, checkNoMarks, textOf } from './invariants.ts';
import type { World } from './world.ts';

const topic = 'a/b';

interface Cast {
  readonly subscriber: Client;
  readonly publishers: readonly Client[];
}

/** A subscriber to `a/b` and publishers, all connected. */
async function cast(
  world: World,
  options: {
    qos: 1 | 2;
    publishers?: number;
    subscriber?: Partial<ClientOptions>;
    publisher?: Partial<ClientOptions>;
  },
): Promise<Cast> {
  const subscriber = world.client({ id: 'sub', ...options.subscriber });
  const publishers = Array.from({ length: options.publishers ?? 1 }, (_, index) =>
    world.client({ id: `pub${index}-`, ...options.publisher }),
  );
  await world.settle();
  subscriber.subscribe(topic, options.qos);
  await world.settle();
  return { subscriber, publishers };
}

function publish(publisher: Client | undefined, qos: 1 | 2, ...numbers: number[]): void {
  for (const number of numbers)
    publisher?.publish(topic, publisher === undefined ? '' : textOf(publisher, number), qos);
}

/** A scenario with one set of clients. */
function scenario(
  options: Parameters<typeof cast>[1] & Partial<Pick<Scenario, 'settings' | 'faults'>>,
  race: (world: World, cast: Cast, random: () => number) => void,
  more: {
    readonly before?: (world: World, cast: Cast) => Promise<void>;
    readonly after?: (world: World, cast: Cast) => Promise<void>;
  } = {},
): Scenario {
  const casts = new WeakMap<World, Cast>();
  const castOf = (world: World): Cast => {
    const found = casts.get(world);
    if (found === undefined) throw new Error('not prepared');
    return found;
  };
  return {
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.faults === undefined ? {} : { faults: options.faults }),
    async prepare(world) {
      const made = await cast(world, options);
      casts.set(world, made);
      await more.before?.(world, made);
      await world.settle();
    },
    race: (world, random) => race(world, castOf(world), random),
    async afterwards(world) {
      await world.settle();
      await more.after?.(world, castOf(world));
    },
    check(world) {
      const { subscriber, publishers } = castOf(world);
      checkDeliveries(world, subscriber, publishers, options.qos);
      checkEmptyQueues(world);
      checkNoMarks(world);
    },
  };
}

/** Publishes messages one after another, each in its own frame. */
function stream(publisher: Client | undefined, qos: 1 | 2, count: number): void {
  publish(publisher, qos, ...Array.from({ length: count }, (_, index) => index + 1));
}

/** One message per frame: a batch that is stored while a session moves may lose its order. */
const oneByOne = { packetsPerFrame: 1 };

/** Two concurrent activities on one session: publishing, and an event of the subscriber. */
export const scenarios: Record<string, (qos: 1 | 2) => Scenario> = {
  'deliver and resume': (qos) =>
    scenario(
      { qos, publishers: 2 },
      (_, { subscriber, publishers }) => {
        subscriber.online = true;
        for (const publisher of publishers) stream(publisher, qos, 2);
      },
      {
        async before(world, { subscriber, publishers }) {
          subscriber.online = false;
          if (subscriber.socket !== undefined) world.lose(subscriber.socket);
          await world.settle();
          publish(publishers[0], qos, 0);
        },
      },
    ),
  'deliver and disconnect': (qos) =>
    scenario({ qos, publishers: 2, publisher: oneByOne }, (world, { subscriber, publishers }) => {
      for (const publisher of publishers) stream(publisher, qos, 2);
      world.events.push({
        actor: 'network',
        label: 'breaks',
        run: () => subscriber.socket !== undefined && world.lose(subscriber.socket),
      });
    }),
  'takeover and publish': (qos) =>
    scenario({ qos, publishers: 2, publisher: oneByOne }, (world, { subscriber, publishers }) => {
      for (const publisher of publishers) stream(publisher, qos, 2);
      world.events.push({ actor: 'sub', label: 'connects again', run: () => subscriber.connect() });
    }),
  'takeover and publish, Receive Maximum 2': (qos) =>
    scenario(
      { qos, publishers: 2, publisher: oneByOne, subscriber: { receiveMaximum: 2 } },
      (world, { subscriber, publishers }) => {
        for (const publisher of publishers) stream(publisher, qos, 3);
        world.events.push({ actor: 'sub', label: 'connects again', run: () => subscriber.connect() });
      },
    ),
  'takeover while a batch of two rows is being stored': (qos) =>
    scenario({ qos }, (world, { subscriber, publishers: [publisher] }) => {
      stream(publisher, qos, 9);
      world.events.push({ actor: 'sub', label: 'connects again', run: () => subscriber.connect() });
    }),
  'the publisher comes back on another connection': (qos) =>
    scenario({ qos, publishers: 1, publisher: oneByOne }, (world, { publishers: [publisher] }) => {
      stream(publisher, qos, 3);
      for (const label of ['connects again', 'and again'])
        world.events.push({ actor: 'network', label, run: () => publisher?.connect() });
    }),
  'acknowledge and deliver, Receive Maximum 1': (qos) =>
    scenario({ qos, publishers: 2, subscriber: { receiveMaximum: 1 } }, (_, { publishers }) => {
      for (const publisher of publishers) stream(publisher, qos, 3);
    }),
  'acknowledge and deliver, Receive Maximum 2': (qos) =>
    scenario({ qos, publishers: 3, subscriber: { receiveMaximum: 2 } }, (_, { publishers }) => {
      for (const publisher of publishers) stream(publisher, qos, 3);
    }),
};

/**
 * The same with a crash. Entries that the dead handler had claimed are sent on the subscriber's
 * next connection, at the latest after the 2 hours of API Gateway, so the subscriber reconnects at
 * the end.
 */
export const crashScenarios: typeof scenarios = Object.fromEntries(
  Object.entries(scenarios).map(([name, make]) => [
    name,
    (qos: 1 | 2): Scenario => {
      const { afterwards, ...scenario } = make(qos);
      return {
        ...scenario,
        async afterwards(world) {
          await afterwards?.(world);
          world.advance(120_000);
          for (const client of world.clients) client.connect();
          await world.settle();
        },
      };
    },
  ]),
);
