import { describe, it } from 'vitest';
import type { Client } from './client.ts';
import { crashEverywhere, exploreRandomly, type Scenario, schedules } from './explore.ts';
import { checkEmptyQueues, textOf } from './invariants.ts';
import type { World } from './world.ts';

interface Group {
  readonly members: readonly Client[];
  readonly publisher: Client;
}

/**
 * Members of one share, by default three, and a publisher that sends all messages in one frame or
 * one per frame.
 */
function shareScenario(
  qos: 1 | 2,
  race: (world: World, group: Group) => void,
  options: {
    readonly expirySeconds?: number;
    readonly exactly?: boolean;
    /** Default: 1. */
    readonly atLeast?: 0 | 1;
    readonly members?: readonly string[];
  } = {},
): Scenario {
  let group: Group;
  return {
    async prepare(world) {
      const members = (options.members ?? ['one', 'two', 'three']).map((id) =>
        world.client({ id, expirySeconds: options.expirySeconds ?? 1_000 }),
      );
      const publisher = world.client({ id: 'pub', ...(world.random() < 0.5 ? { packetsPerFrame: 1 } : {}) });
      await world.settle();
      for (const member of members) member.subscribe('$share/group/a/+', qos);
      await world.settle();
      group = { members, publisher };
    },
    race(world) {
      for (let number = 1; number <= 6; number += 1)
        group.publisher.publish(`a/${number % 2}`, textOf(group.publisher, number), qos);
      race(world, group);
    },
    async afterwards(world) {
      await world.settle();
      world.advance(2_000_000);
      await world.settle();
      world.advance(2_000_000);
      await world.settle();
    },
    check(world) {
      const { members, publisher } = group;
      const arrivals = members.flatMap((member) => member.arrivals.map(({ text }) => text));
      for (const text of publisher.acknowledged) {
        const times = arrivals.filter((arrival) => arrival === text).length;
        if (times === 0 && options.atLeast !== 0) world.violation(`"${text}" reached no member`);
        if (times > 1 && options.exactly !== false) world.violation(`"${text}" came ${times} times`);
      }
      if (!publisher.idle) world.violation(`unacknowledged: ${publisher.unacknowledged.join(' ')}`);
      checkEmptyQueues(world);
    },
  };
}

function goes(world: World, member: Client | undefined): void {
  world.events.push({
    actor: member?.options.id ?? '',
    label: 'goes for good',
    run: () => {
      if (member === undefined) return;
      member.disconnect();
    },
  });
}

function startsClean(world: World, { members: [member] }: Group): void {
  world.events.push({
    actor: member?.options.id ?? '',
    label: 'starts clean',
    run: () => {
      if (member === undefined) return;
      member.cleanStart = true;
      member.connect();
    },
  });
}

describe('shared subscriptions [MQTT-4.8.2-4 v5]', () => {
  it.each([1, 2] as const)(
    'one member gets each message, QoS %i',
    async (qos) => {
      await exploreRandomly(shareScenario(qos, () => undefined));
    },
    120_000,
  );

  it('a member goes and its session ends: QoS 1 messages reach another', async () => {
    await exploreRandomly(
      shareScenario(
        1,
        (world, { members }) => {
          goes(world, members[0]);
          goes(world, members[1]);
        },
        { exactly: false },
      ),
    );
  }, 120_000);

  it('a session without expiry ends at once: QoS 1 messages reach another', async () => {
    await exploreRandomly(
      shareScenario(1, (world, { members }) => goes(world, members[0]), {
        expirySeconds: 0,
        exactly: false,
      }),
    );
  }, 120_000);

  it.each([0, 1_000])(
    'a member begins a new session, the earlier one had an expiry of %i s: QoS 1 messages reach another',
    async (expirySeconds) => {
      await exploreRandomly(
        shareScenario(1, startsClean, { expirySeconds, exactly: false, members: ['one', 'two'] }),
      );
    },
    120_000,
  );

  it.each([0, 1_000])(
    'a member goes or begins a new session, the earlier one had an expiry of %i s: QoS 2 messages come once at most [MQTT-4.8.2-5 v5]',
    async (expirySeconds) => {
      for (const race of [startsClean, (world: World, { members }: Group) => goes(world, members[0])])
        await exploreRandomly(shareScenario(2, race, { expirySeconds, atLeast: 0 }));
    },
    120_000,
  );

  it('a publisher that sends again reaches the same member at QoS 2', async () => {
    const scenario = shareScenario(2, (world, { publisher }) => {
      world.events.push({
        actor: 'network',
        label: 'breaks',
        run: () => publisher.socket !== undefined && world.lose(publisher.socket),
      });
    });
    await exploreRandomly(scenario);
    for (let seed = 1; seed <= Math.ceil(schedules / 75); seed += 1) {
      const { afterwards, ...rest } = shareScenario(2, () => undefined);
      await crashEverywhere(
        {
          ...rest,
          async afterwards(world) {
            await world.settle();
            for (const client of world.clients) client.connect();
            await world.settle();
            await afterwards?.(world);
          },
        },
        seed,
      );
    }
  }, 240_000);

  it('a client in a share and with a subscription of its own gets both at QoS 2', async () => {
    let client: Client;
    let publisher: Client;
    await exploreRandomly(
      {
        async prepare(world) {
          client = world.client({ id: 'client' });
          publisher = world.client({ id: 'pub' });
          await world.settle();
          client.subscribe('$share/group/a', 2);
          client.subscribe('a', 2);
          await world.settle();
        },
        race: () => publisher.publish('a', textOf(publisher, 1), 2),
        check(world) {
          if (client.arrivals.length !== 2) world.violation(`came ${client.arrivals.length} times`);
          checkEmptyQueues(world);
        },
      },
      Math.ceil(schedules / 3),
    );
  }, 60_000);
});
