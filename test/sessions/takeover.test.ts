import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { memoryTables } from '../races/memory-dynamo.ts';
import { World } from '../races/world.ts';

/** A world in which messages for client `sub` are numbered whenever a handler has read its session. */
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
