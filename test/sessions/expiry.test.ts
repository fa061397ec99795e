import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { World } from '../races/world.ts';

const hour = 3_600;
const day = 24 * hour;

it.each([
  { name: 'v5 interval', version: 5, interval: hour, changed: undefined, lasts: hour },
  { name: 'v5 interval, made shorter by DISCONNECT', version: 5, interval: hour, changed: 60, lasts: 60 },
  { name: 'v5 interval, made longer by DISCONNECT', version: 5, interval: 60, changed: hour, lasts: hour },
  { name: 'v3 default', version: 4, interval: undefined, changed: undefined, lasts: 7 * day },
  { name: 'v5 never', version: 5, interval: 0xffff_ffff, changed: undefined, lasts: undefined },
] as const)(
  'a session ends at its expiry and no sooner: $name [MQTT-3.2.2-2 v3, MQTT-3.2.2-3 v5, MQTT-4.1.0-2 v5]',
  async ({ version, interval, changed, lasts }) => {
    const world = new World();
    const client = world.client({
      id: 'client',
      version,
      ...(interval === undefined ? {} : { expirySeconds: interval }),
    });
    await world.settle();
    expect(client.life).toBe(1);
    client.subscribe('a', 1);
    await world.settle();

    const stayAway = async (seconds: number): Promise<void> => {
      client.disconnect(changed);
      await world.settle();
      world.advance(seconds * 1_000);
      client.online = true;
      await world.settle();
    };
    await stayAway((lasts ?? 1_000 * day) - 5);
    expect(client.life).toBe(1);
    await stayAway((lasts ?? 1_000 * day) + 5);
    expect(client.life).toBe(lasts === undefined ? 1 : 2);
    expect(world.db.rows('subscriptions')).toHaveLength(lasts === undefined ? 1 : 0);
    expect(world.violations).toEqual([]);
  },
);

it('a session goes on expired even where its timer was lost; the message that finds it so tidies up', async () => {
  const world = new World();
  const client = world.client({ id: 'client', expirySeconds: 60 });
  const publisher = world.client({ id: 'pub' });
  await world.settle();
  client.subscribe('a', 1);
  await world.settle();
  client.disconnect();
  await world.settle();
  world.timers.splice(0);
  world.advance(61_000);
  publisher.publish('a', 'late', 1);
  await world.settle();
  expect(publisher.idle).toBe(true);
  expect(world.db.rows('subscriptions')).toEqual([]);
  expect(world.db.rows('sessions', 'q#')).toEqual([]);
  expect(world.db.rows('sessions', 'sub#')).toEqual([]);
});

it('a queue whose sender has died is found by a look at its connection, and its client gets everything in order', async () => {
  const world = new World();
  const client = world.client({ id: 'client', receiveMaximum: 5 });
  const publisher = world.client({ id: 'pub' });
  await world.settle();
  client.subscribe('a', 1);
  await world.settle();
  publisher.publish('a', 'one', 1);
  publisher.publish('a', 'two', 1);
  // The handler of the publisher's frame dies after it has claimed both and before it sends them.
  world.faults = { crashBefore: 'post to client1' };
  await world.settle();
  expect(client.arrivals).toEqual([]);
  world.advance(200_000);
  await world.settle();
  expect([...new Set(client.arrivals.map(({ text }) => text))]).toEqual(['one', 'two']);
  expect(world.db.rows('sessions', 'q#')).toEqual([]);
});

it('looks at an idle connection drain its queue seven times in two hours', async () => {
  let reads = 0;
  const world = new World({
    observe: (command, run) => {
      if (command instanceof GetItemCommand && command.input.TableName === 'sessions') reads += 1;
      return run();
    },
  });
  const client = world.client({ id: 'client' });
  await world.settle();
  client.subscribe('a', 1);
  await world.settle();
  reads = 0;
  for (let minute = 0; minute < 119; minute += 1) {
    client.publish('b', '', 0);
    world.advance(60_000);
    await world.settle();
  }
  // After 3, 9, 21 and 45 minutes, then every 24 minutes.
  expect(reads).toBe(7);
});
