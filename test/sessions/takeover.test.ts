import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import type { ClientOptions } from '../races/client.ts';
import { memoryTables } from '../races/memory-dynamo.ts';
import { World } from '../races/world.ts';

/**
 * A world in which messages for client `sub` are numbered whenever a handler has read its session.
 */
function worldWithPublishersThatNeverPause(): World {
  const world: World = new World({
    observe: (command, run) => {
      const answer = run();
      const { Key } = command.input as { Key?: GetItemCommand['input']['Key'] };
      if (command instanceof GetItemCommand && Key?.kind?.S === 'session' && Key.session?.S === 'tenant/sub')
        numberOne(world);
      return answer;
    },
  });
  return world;
}

function numberOne(world: World): void {
  const row = world.db
    .rows('sessions')
    .find(({ session, kind }) => session?.S === 'tenant/sub' && kind?.S === 'session');
  if (row === undefined) return;
  world.db.run(
    new UpdateItemCommand({
      TableName: memoryTables.sessions,
      Key: { session: { S: 'tenant/sub' }, kind: { S: 'session' } },
      UpdateExpression: 'ADD seq :eight',
      ExpressionAttributeValues: { ':eight': { N: '8' } },
    }),
  );
}

it.each([
  ['while it is away', (world: World) => world.clients.map((client) => client.disconnect())],
  ['over a connection that still holds it', () => undefined],
])('a session is taken up though its publishers never pause, %s', async (_, leave) => {
  const world = worldWithPublishersThatNeverPause();
  const subscriber = world.client({ id: 'sub' });
  const publisher = world.client({ id: 'pub' });
  await world.settle();
  subscriber.subscribe('a', 1);
  await world.settle();
  leave(world);
  await world.settle();
  publisher.online = true;
  publisher.publish('a', 'one', 1);
  await world.settle();
  const before = subscriber.sockets;
  subscriber.online = true;
  subscriber.connect();
  await world.settle();
  expect(subscriber.sockets).toBe(before + 1);
  expect(subscriber.connected).toBe(true);
  expect(subscriber.life).toBe(1);
  expect([...new Set(subscriber.arrivals.map(({ text }) => text))]).toEqual(['one']);
  expect(world.violations).toEqual([]);
});

/**
 * A client whose session is kept or ends with its connection, taken over by another of its name.
 */
async function takenOver(first: Partial<ClientOptions>, second: Partial<ClientOptions>) {
  const world = new World();
  const watcher = world.client({ id: 'watch' });
  const will = { topic: 'will', text: 'gone', delaySeconds: first.version === 4 ? 0 : 20 };
  const old = world.client({ id: 'client', will, ...first });
  await world.settle();
  watcher.subscribe('will', 1);
  old.subscribe('a', 1);
  await world.settle();
  // The network of the old client is gone, and no `$disconnect` tells so.
  if (old.socket !== undefined) old.socket.state = 'lost';
  old.online = false;
  watcher.publish('a', 'unacknowledged', 1);
  await world.settle();
  const late = world.client({ id: 'late', clientId: 'client', ...second });
  await world.settle();
  watcher.publish('a', 'live', 1);
  await world.settle();
  return {
    present: late.life === 0,
    late: late.arrivals.map(({ text }) => text),
    wills: watcher.arrivals.map(({ text }) => text),
    violations: world.violations,
  };
}

describe('a session that ends with its connection is not resumed [MQTT-3.1.2-6 v3]', () => {
  it.each([
    ['5.0, expiry 0', { version: 5, expirySeconds: 0 }, { version: 5, expirySeconds: 60 }],
    ['Clean Session 1', { version: 4, cleanStart: true }, { version: 4, cleanStart: false }],
    ['Clean Session 1, then 5.0', { version: 4, cleanStart: true }, { version: 5, expirySeconds: 60 }],
  ] as const)('%s', async (_, first, second) => {
    expect(await takenOver(first, second)).toEqual({
      present: false,
      late: [],
      wills: ['gone'],
      violations: [],
    });
  });

  it.each([
    ['5.0', { version: 5, expirySeconds: 60 }, { version: 5, expirySeconds: 0 }, []],
    ['Clean Session 0', { version: 4, cleanStart: false }, { version: 4, cleanStart: false }, ['gone']],
  ] as const)('one that is kept is, %s', async (_, first, second, wills) => {
    expect(await takenOver(first, second)).toEqual({
      present: true,
      late: ['unacknowledged', 'live'],
      wills,
      violations: [],
    });
  });
});
