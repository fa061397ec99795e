import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../lib/core/settings.ts';
import { publish, subscribe } from './packets.ts';
import { type Connected, useSuite } from './suite.ts';

const bound = 150;
const suite = useSuite({ settings: { ...defaultSettings, maxQueuedMessages: bound } });

const matching = 260;
const kept = { qos: 1, retain: true } as const;
const topicOf = (prefix: string, index: number): string => `${prefix}/${String(index).padStart(3, '0')}`;

/** Publishes retained messages at QoS 1, each on its own topic; the last one at QoS 0. */
async function retain(prefix: string): Promise<void> {
  const client = await suite.connect();
  for (let from = 0; from < matching; from += 50) {
    const indices = Array.from({ length: Math.min(50, matching - from) }, (_, index) => from + index);
    await client.send(
      ...indices.map((index) =>
        publish(topicOf(prefix, index), suite.text('x'), { ...kept, messageId: index + 1 }),
      ),
    );
  }
  await client.send(publish(`${prefix}/last`, suite.text('x'), { retain: true }));
}

const droppedCount = (): number => suite.service.counters.get('MessagesDroppedQueueFull') ?? 0;
const warnings = (): string[] => suite.service.logged.filter((line) => line.includes('retained messages'));

/** Subscribes, expects as many messages as the bound allows, and acknowledges them. */
async function subscribeAll(client: Connected, prefix: string) {
  const [before, warned] = [droppedCount(), warnings().length];
  const { replies, pushes } = await client.exchange(
    subscribe(1, { topic: `${prefix}/#`, qos: 1 }, { topic: `${prefix}/nothing/+`, qos: 1 }, 'nothing'),
  );
  const queued = pushes.filter(({ qos }) => qos === 1);
  expect(queued.map(({ topic }) => topic)).toEqual(
    Array.from({ length: bound }, (_, index) => topicOf(prefix, index)),
  );
  expect(pushes.filter(({ qos }) => qos !== 1)).toMatchObject([{ topic: `${prefix}/last`, retain: true }]);
  expect(droppedCount() - before).toBe(matching - bound);
  const lines = warnings().slice(warned);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'warn',
    tenant: suite.mint.tenant,
    clientId: client.clientId,
    matched: matching + 1,
    dropped: matching - bound,
  });
  for (const { messageId } of queued) await client.send({ cmd: 'puback', messageId: Number(messageId) });
  return replies;
}

describe('a SUBSCRIBE that matches more retained messages than fit into the queue', () => {
  it('tells in the Reason String how many were dropped, and narrower filters get the others', async () => {
    await retain('five');
    const client = await suite.connect();
    expect(await subscribeAll(client, 'five')).toMatchObject([
      {
        cmd: 'suback',
        granted: [1, 1, 0],
        properties: { reasonString: 'the queue is full: 110 of 261 retained messages dropped' },
      },
    ]);
    const rest = Array.from({ length: matching - bound }, (_, index) => topicOf('five', bound + index));
    for (let from = 0; from < rest.length; from += 55) {
      const some = rest.slice(from, from + 55);
      const { replies, pushes } = await client.exchange(
        subscribe(2, ...some.map((topic) => ({ topic, qos: 1 as const }))),
      );
      expect(replies[0]).not.toHaveProperty('properties');
      expect(pushes.map(({ topic }) => topic)).toEqual(some);
      for (const { messageId } of pushes) await client.send({ cmd: 'puback', messageId: Number(messageId) });
    }
  });

  it('has no Reason String without request problem information or before 5.0, but logs and counts', async () => {
    await retain('less');
    const quiet = await suite.connect({ properties: { requestProblemInformation: false } });
    expect((await subscribeAll(quiet, 'less'))[0]).not.toHaveProperty('properties');
    const earlier = await suite.connect({ protocolVersion: 4 });
    expect(await subscribeAll(earlier, 'less')).toMatchObject([{ cmd: 'suback', granted: [1, 1, 0] }]);
  });
});
