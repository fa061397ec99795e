import { describe, expect, it } from 'vitest';
import { encodePacket } from '../../lib/mqtt/index.ts';
import { concatBytes, encodeOneWay } from '../../lib/wire/index.ts';
import type { Client } from './client.ts';
import { exploreRandomly, type Scenario } from './explore.ts';
import { checkDeliveries, checkEmptyQueues, textOf } from './invariants.ts';
import type { World } from './world.ts';

/** One one-way frame with the messages `from` to `to` of a publisher. */
function frame(publisher: Client, from: number, to: number): string {
  const packets = Array.from({ length: to - from + 1 }, (_, index) =>
    encodePacket(
      {
        cmd: 'publish',
        topic: 'a',
        payload: Buffer.from(textOf(publisher, from + index)),
        qos: 0,
        dup: false,
        retain: false,
      },
      publisher.version,
    ),
  );
  return encodeOneWay(concatBytes(packets));
}

/** A publisher that sends one-way frames, a subscriber, and what arrived in each schedule. */
function scenario(
  race: (world: World, publisher: Client) => void,
): Scenario & { readonly seen: Set<string> } {
  const seen = new Set<string>();
  let clients: readonly [Client, Client];
  return {
    seen,
    async prepare(world) {
      clients = [world.client({ id: 'sub' }), world.client({ id: 'pub' })];
      await world.settle();
      clients[0].subscribe('a', 0);
      await world.settle();
    },
    race: (world) => race(world, clients[1]),
    check(world) {
      const numbers = clients[0].arrivals.map(({ text }) => text.split(':')[1]);
      if (new Set(numbers).size < numbers.length) world.violation(`twice: ${numbers.join(' ')}`);
      seen.add(numbers.join(' '));
    },
  };
}

function send(world: World, publisher: Client, from: number, to: number): void {
  const { socket } = publisher;
  if (socket !== undefined) world.oneWay(socket, frame(publisher, from, to));
}

/** A subscriber that acknowledges every message in a one-way frame of its own. */
function acknowledging(
  qos: 1 | 2,
  receiveMaximum: number,
  disturb: (world: World, subscriber: Client) => void = () => {},
): Scenario {
  let clients: readonly [Client, Client];
  return {
    async prepare(world) {
      clients = [
        world.client({ id: 'sub', receiveMaximum, acknowledgesOneWay: true }),
        world.client({ id: 'pub' }),
      ];
      await world.settle();
      clients[0].subscribe('a', qos);
      await world.settle();
    },
    race(world) {
      const [subscriber, publisher] = clients;
      for (const number of [1, 2, 3, 4]) publisher.publish('a', textOf(publisher, number), qos);
      disturb(world, subscriber);
    },
    async afterwards(world) {
      // An acknowledgement that is lost leads to redelivery when the session is resumed.
      const { socket } = clients[0];
      if (socket !== undefined) world.lose(socket);
      await world.settle();
    },
    check(world) {
      checkDeliveries(world, clients[0], [clients[1]], qos);
      checkEmptyQueues(world);
    },
  };
}

describe('one-way frames', () => {
  it('that are handled at once may change places, as wholes; nothing is lost or comes twice', async () => {
    const both = scenario((world, publisher) => {
      send(world, publisher, 1, 2);
      send(world, publisher, 3, 4);
    });
    await exploreRandomly(both);
    expect([...both.seen].sort()).toEqual(['1 2 3 4', '3 4 1 2']);
  }, 240_000);

  it('handled after DISCONNECT are dropped, and nothing fails', async () => {
    const late = scenario((world, publisher) => {
      send(world, publisher, 1, 2);
      publisher.online = false;
      publisher.disconnect();
    });
    await exploreRandomly(late);
    expect([...late.seen].sort()).toEqual(['', '1 2']);
  }, 240_000);

  it('and messages at QoS 1 of the next frame may change places where both are handled at once', async () => {
    const mixed = scenario((world, publisher) => {
      send(world, publisher, 1, 2);
      publisher.publish('a', textOf(publisher, 3), 1);
    });
    await exploreRandomly(mixed);
    expect([...mixed.seen].sort()).toEqual(['1 2 3', '3 1 2']);
  }, 240_000);

  it.each([
    [1, 1],
    [1, 65_535],
    [2, 1],
    [2, 65_535],
  ] as const)(
    'with acknowledgements lose no message at QoS %i and double none at QoS 2, Receive Maximum %i',
    async (qos, receiveMaximum) => {
      await exploreRandomly(acknowledging(qos, receiveMaximum));
    },
    240_000,
  );

  it.each([1, 2] as const)(
    'with acknowledgements may come when their connection has ended, QoS %i',
    async (qos) => {
      const ends = (world: World, subscriber: Client): void => {
        world.events.push({
          actor: 'network',
          label: 'ends',
          run: () => {
            if (subscriber.socket !== undefined) world.lose(subscriber.socket);
          },
        });
      };
      await exploreRandomly(acknowledging(qos, 2, ends));
    },
    240_000,
  );
});
