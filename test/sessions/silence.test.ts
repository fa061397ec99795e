import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../lib/core/model.ts';
import { isSilent } from '../../lib/sessions/silence.ts';
import { World } from '../races/world.ts';

/** Lets `seconds` pass in steps of 10; `each` runs before each step. */
async function pass(world: World, seconds: number, each: (second: number) => void = () => {}): Promise<void> {
  for (let second = 0; second < seconds; second += 10) {
    each(second);
    world.advance(10_000);
    await world.settle();
  }
}

describe.each([
  ['posts count as activity', true],
  ['they do not', false],
])('keep-alive of 60 s where %s [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3]', (_, postsAreActivity) => {
  it('finds a dead client on a busy topic, and no client that sends anything', async () => {
    const world = new World();
    world.postsAreActivity = postsAreActivity;
    const dead = world.client({ id: 'dead', will: { topic: 'will', text: 'gone' } });
    const alive = world.client({ id: 'alive' });
    const feed = world.client({ id: 'feed' });
    await world.settle();
    dead.subscribe('feed', 0);
    alive.subscribe('feed', 0);
    alive.subscribe('will', 1);
    await world.settle();
    const { socket } = dead;
    if (socket !== undefined) socket.state = 'lost';
    dead.online = false;
    await pass(world, 190, (second) => {
      feed.publish('feed', 'x', 0);
      if (second % 50 === 0) alive.publish('alive', '', 0);
    });
    const wills = alive.arrivals.filter(({ topic }) => topic === 'will');
    expect(wills.map(({ text }) => text)).toEqual(['gone']);
    expect(socket?.state).toBe('closed');
    await pass(world, 4_000, (second) => {
      feed.publish('feed', 'x', 0);
      if (second % 50 === 0) alive.publish('alive', '', 0);
    });
    expect([alive.sockets, feed.sockets]).toEqual([1, 1]);
    expect(world.violations).toEqual([]);
  });
});

it('an idle client is not watched: one frame notes itself within two hours', async () => {
  let writes = 0;
  const world = new World({
    observe: (command, run) => {
      if (command instanceof UpdateItemCommand && command.input.TableName === 'connections') writes += 1;
      return run();
    },
  });
  world.postsAreActivity = false;
  const idle = world.client({ id: 'idle' });
  await world.settle();
  await pass(world, 7_100, (second) => {
    if (second % 60 === 0) idle.publish('idle', '', 0);
  });
  expect(idle.sockets).toBe(1);
  expect(writes).toBe(1);
});

it('a dead client that gets a message now and then is found within an hour and a half', async () => {
  const world = new World();
  world.postsAreActivity = true;
  const dead = world.client({ id: 'dead', will: { topic: 'will', text: 'gone' } });
  const feed = world.client({ id: 'feed' });
  await world.settle();
  dead.subscribe('feed', 0);
  await world.settle();
  const { socket } = dead;
  if (socket !== undefined) socket.state = 'lost';
  dead.online = false;
  await pass(world, 5_400, (second) => {
    if (second % 50 === 0) feed.publish('feed', 'x', 0);
  });
  expect(socket?.state).toBe('closed');
  expect(feed.sockets).toBe(1);
});

it.each([
  [2, 4_000],
  [60, 92_000],
])(
  'a client with a keep-alive of %i s may be silent for %i ms of its watch',
  (keepAliveSeconds, longestMs) => {
    const connection = { keepAliveSeconds, watchedSinceMs: 1_000 } as Connection;
    expect(isSilent(connection, 1_000 + longestMs - 1)).toBe(false);
    expect(isSilent(connection, 1_000 + longestMs)).toBe(true);
  },
);
