import { expect, it } from 'vitest';
import type { Ports } from '../../lib/core/ports.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import type { Packet } from '../../lib/mqtt/types.ts';
import type { Got } from '../support/raw-client.ts';
import { publish, subscribe, unsubscribe } from './packets.ts';
import { type Connected, useSuite } from './suite.ts';

const bound = 150;
const matching = 500;
/** Kinds of the timers that were scheduled. */
const scheduled: string[] = [];
const suite = useSuite({
  settings: { ...defaultSettings, maxQueuedMessages: bound },
  wrapPorts: (ports: Ports): Ports => ({
    ...ports,
    timers: {
      ...ports.timers,
      schedule(timer, dueAtMs) {
        scheduled.push(timer.kind);
        return ports.timers.schedule(timer, dueAtMs);
      },
    },
  }),
});

const topicOf = (prefix: string, index: number): string => `${prefix}/${String(index).padStart(4, '0')}`;
const topicsOf = (prefix: string, count = matching): string[] =>
  Array.from({ length: count }, (_, index) => topicOf(prefix, index));
const counted = (name: string): number => suite.service.counters.get(name) ?? 0;
const waitingTimers = (): number => scheduled.filter((kind) => kind === 'retained-waiting').length;

/** Publishes retained messages, each on its own topic; the last one at QoS 0. */
async function retain(prefix: string, qos: 1 | 2 = 1, count = matching): Promise<void> {
  const client = await suite.connect();
  for (let from = 0; from < count; from += 50) {
    const indices = Array.from({ length: Math.min(50, count - from) }, (_, index) => from + index);
    await client.send(
      ...indices.map((index) =>
        publish(topicOf(prefix, index), suite.text('x'), { qos, retain: true, messageId: index + 1 }),
      ),
    );
    if (qos === 2)
      await client.send(...indices.map((index) => ({ cmd: 'pubrel' as const, messageId: index + 1 })));
  }
  await client.send(publish(`${prefix}/last`, suite.text('x'), { retain: true }));
}

/** Acknowledges what has come and what then comes, until nothing does. @returns all topics. */
async function acknowledge(client: Connected, first: readonly Got[], rounds = 100): Promise<string[]> {
  const topics: string[] = [];
  let come = first;
  for (let round = 0; come.length > 0 && round < rounds; round += 1) {
    topics.push(...come.flatMap(({ cmd, topic }) => (cmd === 'publish' ? [String(topic)] : [])));
    const answers = come.flatMap(({ cmd, qos, messageId }): Packet[] => {
      if (cmd === 'pubrel') return [{ cmd: 'pubcomp' as const, messageId: Number(messageId) }];
      if (qos === 1) return [{ cmd: 'puback' as const, messageId: Number(messageId) }];
      return qos === 2 ? [{ cmd: 'pubrec' as const, messageId: Number(messageId) }] : [];
    });
    const got = answers.length === 0 ? undefined : await client.exchange(...answers);
    const released = (got?.replies ?? []).filter(({ cmd }) => cmd === 'pubrel');
    await suite.service.queues.idle();
    const later = await client.exchange({ cmd: 'pingreq' });
    come = [...released, ...(got?.pushes ?? []), ...later.pushes];
  }
  return topics;
}

it.each([1, 2] as const)('retained messages beyond the queue at QoS %i come as it gets room', async (qos) => {
  await retain(`all${qos}`, qos);
  const client = await suite.connect();
  const dropped = counted('MessagesDroppedQueueFull');
  const { replies, pushes } = await client.exchange(
    subscribe(1, { topic: `all${qos}/#`, qos }, { topic: `all${qos}/nothing/+`, qos: 1 }, 'nothing'),
  );
  expect(replies).toMatchObject([{ cmd: 'suback', granted: [qos, 1, 0] }]);
  expect(replies[0]).not.toHaveProperty('properties');
  expect(pushes).toHaveLength(bound);
  expect(await acknowledge(client, pushes)).toEqual([...topicsOf(`all${qos}`), `all${qos}/last`]);
  expect(counted('MessagesDroppedQueueFull')).toBe(dropped);
  expect((await suite.session(client.clientId))?.retainedBehind).toBeUndefined();
});

it('comes in portions to a client with a Receive Maximum, and with many literal filters', async () => {
  await retain('narrow', 1, 400);
  const client = await suite.connect({ properties: { receiveMaximum: 7 } });
  const filters = topicsOf('narrow', 400).map((topic) => ({ topic, qos: 1 as const }));
  const { pushes } = await client.exchange(subscribe(1, ...filters));
  expect(pushes).toHaveLength(7);
  expect((await acknowledge(client, pushes, 1_000)).sort()).toEqual(topicsOf('narrow', 400));
});

it('costs a client that acknowledges nothing no timers', async () => {
  await retain('never', 1, 400);
  const client = await suite.connect({ keepalive: 60 });
  const before = waitingTimers();
  const { pushes } = await client.exchange(subscribe(1, { topic: 'never/#', qos: 1 }));
  expect(pushes).toHaveLength(bound);
  for (let minute = 0; minute < 60; minute += 1) {
    await suite.advance(60);
    expect((await client.exchange({ cmd: 'pingreq' })).pushes).toEqual([]);
  }
  expect(waitingTimers()).toBe(before);
  // Acknowledgements of messages that leave the queue more than half full, or of none.
  const repeated = Array.from({ length: 20 }, () => ({
    cmd: 'puback' as const,
    messageId: Number(pushes[0]?.messageId),
  }));
  await client.send(...repeated);
  expect(waitingTimers()).toBe(before);
  // One timer for all acknowledgements of a frame, and of further frames until it has arrived.
  expect(new Set(await acknowledge(client, pushes)).size).toBe(401);
  expect(waitingTimers() - before).toBeLessThanOrEqual(12);
});

it('goes on after the client has come back', async () => {
  await retain('back', 1, 400);
  const kept = { clean: false, properties: { sessionExpiryInterval: 3_600 } } as const;
  const client = await suite.connect({ clientId: 'back', ...kept });
  const { pushes } = await client.exchange(subscribe(1, { topic: 'back/#', qos: 1 }));
  const early = pushes.slice(0, 40);
  await client.send(
    ...early.map(({ messageId }) => ({ cmd: 'puback' as const, messageId: Number(messageId) })),
  );
  await suite.cut(client);
  await suite.advance(600);
  const again = await suite.connect({ clientId: 'back', ...kept });
  const topics = await acknowledge(again, again.waited);
  expect(new Set([...early.map(({ topic }) => topic), ...topics]).size).toBe(401);
  expect(topics).toHaveLength(new Set(topics).size);
});

it('is not lost when the queue is emptied while nobody looks', async () => {
  await retain('looked', 1, 400);
  const client = await suite.connect({ keepalive: 60 });
  const { pushes } = await client.exchange(subscribe(1, { topic: 'looked/#', qos: 1 }));
  const session = await suite.session(client.clientId);
  if (session === undefined) throw new Error('no session');
  // As after a handler that has deleted the entries and died.
  await suite.service.stores.queue.delete(
    session,
    pushes.map(({ messageId }) => Number(messageId)),
  );
  const later: Got[] = [];
  for (let minute = 0; minute < 5; minute += 1) {
    await suite.advance(60);
    later.push(...(await client.exchange({ cmd: 'pingreq' })).pushes);
  }
  expect(new Set(await acknowledge(client, later)).size).toBe(401 - bound);
});

it('ends with the subscription', async () => {
  await retain('gone', 1, 400);
  const client = await suite.connect();
  const { pushes } = await client.exchange(subscribe(1, { topic: 'gone/#', qos: 1 }));
  await client.send(unsubscribe(2, 'gone/#'));
  expect(await acknowledge(client, pushes)).toHaveLength(bound);
  expect((await suite.session(client.clientId))?.retainedBehind).toBeUndefined();
});

it('goes on when the same subscription is made again with Retain Handling 1, and anew with 0', async () => {
  await retain('twice', 1, 400);
  const client = await suite.connect();
  const { pushes } = await client.exchange(subscribe(1, { topic: 'twice/#', qos: 1 }));
  await client.send(subscribe(2, { topic: 'twice/#', qos: 1, rh: 1 }));
  const topics = await acknowledge(client, pushes);
  expect(topics).toEqual([...topicsOf('twice', 400), 'twice/last']);
  const anew = await client.exchange(subscribe(3, { topic: 'twice/#', qos: 1, rh: 0 }));
  expect(await acknowledge(client, anew.pushes)).toEqual(topics);
});
