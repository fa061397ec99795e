import type { Packet } from 'mqtt-packet';
import { expect, it } from 'vitest';
import type { Ports } from '../../lib/core/ports.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { UnreadableItemError } from '../../lib/core/unreadable-item.ts';
import { AwsError } from '../../lib/local/aws-json.ts';
import type { StoreCall } from '../../lib/local/dynamodb/call.ts';
import { createGate, type Interception, intercept } from '../../lib/local/dynamodb/intercept.ts';
import { localTables } from '../support/service.ts';
import { type PipedClient, startPiped } from './piped.ts';

function publish(topic: string, messageId: number, qos: 0 | 1 = 1): Packet {
  return { cmd: 'publish', topic, payload: `${messageId}`, qos, messageId, dup: false, retain: false };
}

/** An edge with publishers whose packets come in one turn. */
async function start(
  hooks: Interception,
  publishers: number,
  options: Parameters<typeof startPiped>[0] = {},
) {
  const piped = await startPiped({ ...options, wrapStore: (handler) => intercept(handler, hooks) });
  const mint = await piped.service.tenant('acme');
  const clients: PipedClient[] = [];
  for (let index = 0; index < publishers; index += 1) clients.push(await piped.connect(mint, `p${index}`));
  return { ...piped, mint, publishers: clients };
}

/** A row of the queue of a client, or of one whose name begins so. */
function storesFor(client: string, { operation, input }: StoreCall): boolean {
  const { Item } = input as { Item?: { session?: { S: string }; kind?: { S: string } } };
  return (
    operation === 'PutItem' &&
    Item?.session?.S.startsWith(`acme/${client}`) === true &&
    Item.kind?.S.startsWith('q#') === true
  );
}

it('stores what several clients publish in one turn to a session together', async () => {
  let calls: string[] = [];
  const hooks = {
    before: ({ operation, tables: [table = ''] }: StoreCall) =>
      void calls.push(`${operation} ${Object.entries(localTables).find(([, name]) => name === table)?.[0]}`),
  };
  const { subscriber, mint, publishers } = await start(hooks, 5);
  const receiver = await subscriber(mint, 'sub', 'room/+');
  calls = [];
  for (const client of publishers) client.send(publish('room/1', 1), publish('room/1', 2));
  for (const client of publishers) {
    await client.next('puback');
    await client.next('puback');
  }
  expect(calls.sort()).toEqual([
    'GetItem sessions',
    'GetItem tenants',
    // Ten messages take two rows.
    'PutItem sessions',
    'PutItem sessions',
    'Query subscriptions',
    'UpdateItem sessions',
  ]);
  const texts: string[] = [];
  for (let count = 0; count < 10; count += 1) texts.push(`${(await receiver.next('publish')).payload}`);
  // In the order of each publisher.
  expect(texts).toEqual(['1', '2', '1', '2', '1', '2', '1', '2', '1', '2']);
});

it('reads audiences for QoS 0 and 1 apart', async () => {
  const reads: unknown[] = [];
  const hooks = {
    before: ({ operation, input }: StoreCall) =>
      void (operation === 'Query' && input.TableName === localTables.subscriptions
        ? reads.push(input.ConsistentRead)
        : undefined),
  };
  const { subscriber, mint, publishers } = await start(hooks, 2);
  const receiver = await subscriber(mint, 'sub', 'room/+');
  reads.length = 0;
  publishers[0]?.send(publish('room/1', 1, 0));
  publishers[1]?.send(publish('room/1', 2, 1));
  await publishers[1]?.next('puback');
  await receiver.next('publish');
  await receiver.next('publish');
  expect(reads.sort()).toEqual([false, true]);
});

it('acknowledges a publisher whose messages are stored though those of another one are not', async () => {
  const hooks = {
    before(call: StoreCall) {
      if (storesFor('bad', call)) throw new AwsError('ValidationException', 'broken');
    },
  };
  const { subscriber, mint, publishers } = await start(hooks, 3);
  await subscriber(mint, 'bad', 'bad/#');
  await subscriber(mint, 'good', 'good/#');
  const [bad, good, both] = publishers;
  bad?.send(publish('bad/1', 1));
  good?.send(publish('good/1', 2));
  both?.send(publish('good/1', 3), publish('bad/1', 4));
  await Promise.all([good?.next('puback'), bad?.ended, both?.ended]);
  expect(bad?.received).toEqual(['connack', 'end']);
  expect(both?.received).toEqual(['connack', 'end']);
  expect(good?.received).toEqual(['connack', 'puback']);
});

it('publishes the messages of one publisher though the audience of another one cannot be read', async () => {
  const hooks = {
    before({ operation, input }: StoreCall) {
      if (operation === 'Query' && JSON.stringify(input).includes('acme/bad/1'))
        throw new AwsError('ValidationException', 'broken');
    },
  };
  const { subscriber, mint, publishers } = await start(hooks, 2);
  await subscriber(mint, 'bad', 'bad/+');
  await subscriber(mint, 'plain', 'any/thing');
  const receiver = await subscriber(mint, 'good', 'good/+');
  const [bad, good] = publishers;
  bad?.send(publish('bad/1', 1));
  good?.send(publish('good/1', 2));
  await Promise.all([bad?.ended, good?.next('puback')]);
  expect(bad?.received).toEqual(['connack', 'end']);
  expect(`${(await receiver.next('publish')).payload}`).toBe('2');
});

it('does not hold a publisher, in the same turn or later, for a session that is slow', async () => {
  const writes = createGate();
  const hooks = { before: (call: StoreCall) => (storesFor('slow', call) ? writes.hold(call) : undefined) };
  const { subscriber, mint, publishers } = await start(hooks, 2);
  await subscriber(mint, 'slow', 'slow/#');
  await subscriber(mint, 'fast', 'fast/#');
  const [slow, fast] = publishers;
  slow?.send(publish('slow/1', 1));
  fast?.send(publish('fast/1', 2));
  const held = await writes.next();
  await fast?.next('puback');
  fast?.send(publish('fast/1', 3));
  await fast?.next('puback');
  expect(slow?.received).toEqual(['connack']);
  held.release();
  await slow?.next('puback');
});

it('does not hold a publisher for the many slow sessions of another one', async () => {
  const writes = createGate();
  const hooks = { before: (call: StoreCall) => (storesFor('slow', call) ? writes.hold(call) : undefined) };
  const settings = { ...defaultSettings, maxConcurrentPosts: 2 };
  const { subscriber, mint, publishers } = await start(hooks, 2, { settings });
  for (const number of [1, 2, 3]) await subscriber(mint, `slow${number}`, 'slow/#');
  await subscriber(mint, 'fast', 'fast/#');
  const [slow, fast] = publishers;
  slow?.send(publish('slow/1', 1));
  fast?.send(publish('fast/1', 2));
  await fast?.next('puback');
  expect(slow?.received).toEqual(['connack']);
  for (let count = 0; count < 3; count += 1) (await writes.next()).release();
  await slow?.next('puback');
});

it('stores many messages of several publishers for a session in parts, which fail apart', async () => {
  const writes = createGate();
  const hooks = { before: (call: StoreCall) => (storesFor('sub', call) ? writes.hold(call) : undefined) };
  const { subscriber, mint, publishers } = await start(hooks, 4);
  const receiver = await subscriber(mint, 'sub', 'room/+');
  for (const client of publishers)
    client.send(...Array.from({ length: 32 }, (_, index) => publish(`room/${index % 2}`, index + 1)));
  const [first, second] = [await writes.next(), await writes.next()];
  first.fail(new AwsError('ValidationException', 'broken'));
  writes.open();
  second.release();
  await Promise.all(publishers.slice(0, 2).map(({ ended }) => ended));
  for (const client of publishers.slice(2))
    for (let count = 0; count < 32; count += 1) await client.next('puback');
  const came: string[] = [];
  for (let count = 0; count < 64; count += 1) {
    const { topic, payload } = await receiver.next('publish');
    if (topic === 'room/1') came.push(`${payload}`);
  }
  const inOrder = Array.from({ length: 16 }, (_, index) => `${2 * index + 2}`);
  expect(came).toEqual([...inOrder, ...inOrder]);
});

it('sends QoS 0 of one publisher though the routes of another one cannot be read', async () => {
  const hooks = {
    before({ operation, input }: StoreCall) {
      if (operation === 'BatchGetItem' && JSON.stringify(input).includes('acme/bad'))
        throw new AwsError('ValidationException', 'broken');
    },
  };
  const { subscriber, mint, publishers } = await start(hooks, 2);
  await subscriber(mint, 'bad', 'bad/+');
  const receiver = await subscriber(mint, 'good', 'good/+');
  const [bad, good] = publishers;
  bad?.send(publish('bad/1', 1, 0));
  good?.send(publish('good/1', 2, 0));
  expect(`${(await receiver.next('publish')).payload}`).toBe('2');
  await bad?.ended;
  good?.send(publish('good/1', 3, 0));
  expect(`${(await receiver.next('publish')).payload}`).toBe('3');
});

it('ends the publishers of a batch, and not the process, by an error that nothing expects', async () => {
  const wrapPorts = (ports: Ports): Ports => ({
    ...ports,
    sessions: {
      ...ports.sessions,
      async allocate(key, generation, numbers) {
        if (key.clientId === 'bad') throw new UnreadableItemError('of a newer release');
        return ports.sessions.allocate(key, generation, numbers);
      },
    },
    log: {
      ...ports.log,
      warn(message) {
        if (message.startsWith('a session cannot be read')) throw new Error('the log is broken');
      },
    },
  });
  const { subscriber, mint, publishers } = await start({}, 2, { wrapPorts });
  await subscriber(mint, 'bad', 'bad/#');
  await subscriber(mint, 'good', 'good/#');
  const [bad, good] = publishers;
  bad?.send(publish('bad/1', 1));
  good?.send(publish('good/1', 2));
  await Promise.all([bad?.ended, good?.next('puback')]);
  expect(bad?.received).toEqual(['connack', 'end']);
});

it('counts what is served inline for each publisher', async () => {
  let slices = 0;
  const wrapPorts = (ports: Ports): Ports => ({
    ...ports,
    fanout: {
      async send(sent) {
        slices += sent.length;
        await ports.fanout.send(sent);
      },
    },
  });
  const settings = { ...defaultSettings, inlineAudience: 8, maxInlineDeliveries: 3 };
  const { subscriber, mint, publishers } = await start({}, 2, { wrapPorts, settings });
  for (const topic of ['a', 'b']) for (const name of ['1', '2']) await subscriber(mint, topic + name, topic);
  const [one, other] = publishers;
  one?.send(publish('a', 1));
  other?.send(publish('b', 1));
  await Promise.all([one?.next('puback'), other?.next('puback')]);
  expect(slices).toBe(0);
  // The first topic alone has room.
  one?.send(publish('a', 2), publish('b', 3));
  await one?.next('puback');
  await one?.next('puback');
  expect(slices).toBeGreaterThan(0);
});
