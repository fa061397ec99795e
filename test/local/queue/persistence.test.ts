import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { createSqsClient } from '../../../lib/aws/sqs.ts';
import { createManualClock } from '../../../lib/local/clock.ts';
import { openEngine } from '../../../lib/local/dynamodb/index.ts';
import { openQueueService } from '../../../lib/local/queue/index.ts';
import type { SqsRecord } from '../../../lib/local/queue/pump.ts';

const queues = { timers: { visibilityTimeoutSeconds: 60 }, 'jobs.fifo': { contentBasedDeduplication: true } };
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wisp-queue-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** The queue in the engine's directory, as in the local service. `stop` ends it like a process. */
async function start(clock = createManualClock()) {
  const engine = await openEngine({ directory, clock });
  const service = await openQueueService({ queues, clock, store: engine.keyValueStore('queue') });
  const client = createSqsClient({
    region: 'us-east-1',
    credentials: localCredentials,
    requestHandler: service.requestHandler,
  });
  return {
    clock,
    service,
    send: (name: keyof typeof queues, MessageBody: string, extra = {}) =>
      client.send(new SendMessageCommand({ QueueUrl: service.urlOf(name), MessageBody, ...extra })),
    stop: async () => {
      await service.close();
      await engine.close();
    },
  };
}

test('timers, order, receive counts and duplicates survive a restart; deleted messages stay deleted', async () => {
  const first = await start();
  await first.send('timers', 'fires later', { DelaySeconds: 600 });
  await first.send('timers', 'taken');
  for (const body of ['1', '2', '3']) await first.send('jobs.fifo', body, { MessageGroupId: 'g' });
  first.service.attach('timers', () => {});
  const crashed = first.service.attach(
    'jobs.fifo',
    () => {
      throw new Error('the process ends here');
    },
    { batchSize: 1 },
  );
  await crashed.detach();
  await first.service.idle();
  await first.clock.advance(100_000);
  expect(first.service.counts('timers')).toEqual({ visible: 0, delayed: 1, inFlight: 0 });
  await first.stop();

  const second = await start(createManualClock(first.clock.now()));
  expect(second.service.counts('timers')).toEqual({ visible: 0, delayed: 1, inFlight: 0 });
  await second.send('jobs.fifo', '2', { MessageGroupId: 'g' });
  await second.send('jobs.fifo', '4', { MessageGroupId: 'g' });
  const records: SqsRecord[] = [];
  second.service.attach('timers', ({ Records }) => records.push(...Records));
  second.service.attach('jobs.fifo', ({ Records }) => records.push(...Records));
  await second.service.idle();
  expect(records.map(({ body, attributes }) => [body, attributes.ApproximateReceiveCount])).toEqual([
    ['1', '2'],
    ['2', '1'],
    ['3', '1'],
    ['4', '1'],
  ]);
  const numbers = records.map(({ attributes }) => attributes.SequenceNumber ?? '');
  expect(numbers).toEqual(numbers.toSorted());
  await second.clock.advance(499_999);
  expect(records).toHaveLength(4);
  await second.clock.advance(1);
  await second.service.idle();
  expect(records[4]?.body).toBe('fires later');
  await second.stop();

  const third = await start(createManualClock(second.clock.now()));
  expect(third.service.counts('timers')).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  expect(third.service.counts('jobs.fifo')).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  await third.stop();
});

test('a message that cannot be stored is not accepted, and its deduplication id is free again', async () => {
  const stored = new Map<string, unknown>();
  let full = true;
  const service = await openQueueService({
    queues,
    store: {
      put: async (key, value) => {
        if (full) throw new Error('the disk is full');
        stored.set(key, value);
      },
      del: async (key) => {
        stored.delete(key);
      },
      entries: async () => [...stored],
    },
  });
  const client = createSqsClient({
    region: 'us-east-1',
    credentials: localCredentials,
    requestHandler: service.requestHandler,
  });
  const { requestHandler } = service;
  const once = await requestHandler.handle({
    method: 'POST',
    headers: { 'x-amz-target': 'AmazonSQS.SendMessage' },
    body: JSON.stringify({ QueueUrl: service.urlOf('jobs.fifo'), MessageBody: 'x', MessageGroupId: 'g' }),
  });
  expect(once.response.statusCode).toBe(500);
  expect(service.counts('jobs.fifo').visible).toBe(0);
  full = false;
  await client.send(
    new SendMessageCommand({ QueueUrl: service.urlOf('jobs.fifo'), MessageBody: 'x', MessageGroupId: 'g' }),
  );
  expect(service.counts('jobs.fifo').visible).toBe(1);
  await service.close();
});
