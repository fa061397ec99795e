import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { createSqsClient } from '../../../lib/aws/sqs.ts';
import { createManualClock, type ManualClock } from '../../../lib/local/clock.ts';
import { openQueueService, type QueueService } from '../../../lib/local/queue/index.ts';
import type { SqsEvent } from '../../../lib/local/queue/pump.ts';

const queues = {
  jobs: { visibilityTimeoutSeconds: 30, deadLetter: { queue: 'dead', maxReceiveCount: 3 } },
  dead: {},
  'jobs.fifo': { visibilityTimeoutSeconds: 30, contentBasedDeduplication: true },
};
type Name = keyof typeof queues;

let clock: ManualClock;
let service: QueueService<Name>;

beforeEach(async () => {
  clock = createManualClock();
  service = await openQueueService({ queues, clock, region: 'eu-west-1', accountId: '123456789012' });
});
afterEach(() => service.close());

function sender(name: Name): (body: string, extra?: object) => Promise<unknown> {
  const client = createSqsClient({
    region: 'eu-west-1',
    credentials: localCredentials,
    requestHandler: service.requestHandler,
  });
  return (MessageBody, extra = {}) =>
    client.send(new SendMessageCommand({ QueueUrl: service.urlOf(name), MessageBody, ...extra }));
}

const bodiesOf = (event: SqsEvent) => event.Records.map(({ body }) => body);

/** A handler whose invocations the test ends individually. */
function controlled() {
  const begun: { bodies: string[]; end(answer?: unknown): void; fail(): void }[] = [];
  const handler = (event: SqsEvent) =>
    new Promise((end, reject) => {
      begun.push({ bodies: bodiesOf(event), end, fail: () => reject(new Error('handler')) });
    });
  return { begun, handler };
}

test('the event is that of Lambda, for standard and FIFO queues', async () => {
  const events: SqsEvent[] = [];
  service.attach('jobs', (event) => events.push(event));
  service.attach('jobs.fifo', (event) => events.push(event));
  await sender('jobs')('hello', { MessageAttributes: { kind: { DataType: 'String', StringValue: 'ping' } } });
  await sender('jobs.fifo')('hello', { MessageGroupId: 'g' });
  await service.idle();
  const common = {
    messageId: expect.stringMatching(/^[\da-f-]{36}$/),
    receiptHandle: expect.any(String),
    body: 'hello',
    md5OfBody: '5d41402abc4b2a76b9719d911017c592',
    eventSource: 'aws:sqs',
    awsRegion: 'eu-west-1',
  };
  const attributes = {
    ApproximateReceiveCount: '1',
    SentTimestamp: String(clock.now()),
    SenderId: expect.any(String),
    ApproximateFirstReceiveTimestamp: String(clock.now()),
  };
  expect(events).toEqual([
    {
      Records: [
        {
          ...common,
          attributes,
          messageAttributes: {
            kind: { stringValue: 'ping', stringListValues: [], binaryListValues: [], dataType: 'String' },
          },
          md5OfMessageAttributes: expect.stringMatching(/^[\da-f]{32}$/),
          eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:jobs',
        },
      ],
    },
    {
      Records: [
        {
          ...common,
          attributes: {
            ...attributes,
            MessageGroupId: 'g',
            MessageDeduplicationId: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
            SequenceNumber: expect.stringMatching(/^\d{20}$/),
          },
          messageAttributes: {},
          eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:jobs.fifo',
        },
      ],
    },
  ]);
  expect(service.counts('jobs')).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
});

test('invokes with batches up to batchSize, within the bound of concurrent invocations', async () => {
  const send = sender('jobs');
  for (const body of ['1', '2', '3', '4', '5', '6', '7']) await send(body);
  const { begun, handler } = controlled();
  service.attach('jobs', handler, { batchSize: 3, maximumConcurrency: 2 });
  expect(begun.map(({ bodies }) => bodies)).toEqual([
    ['1', '2', '3'],
    ['4', '5', '6'],
  ]);
  begun[0]?.end();
  await new Promise(setImmediate);
  expect(begun[2]?.bodies).toEqual(['7']);
  for (const { end } of begun) end();
  await service.idle();
  expect(service.counts('jobs')).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
});

test('delays run on the clock, chained delays too', async () => {
  const send = sender('jobs');
  const hops: [string, number][] = [];
  const startMs = clock.now();
  service.attach('jobs', async ({ Records }) => {
    for (const { body } of Records) {
      hops.push([body, (clock.now() - startMs) / 1000]);
      if (body === 'a') await send('b', { DelaySeconds: 900 });
    }
  });
  await send('a', { DelaySeconds: 900 });
  await clock.advance(899_000);
  expect(hops).toEqual([]);
  await clock.advance(1_000);
  await service.idle();
  await clock.advance(900_000);
  await service.idle();
  expect(hops).toEqual([
    ['a', 900],
    ['b', 1800],
  ]);
});

describe('failures', () => {
  test('a batch whose handler throws returns after the visibility timeout, then moves to the dead-letter queue', async () => {
    const send = sender('jobs');
    const seen: string[][] = [];
    const errors: unknown[] = [];
    service.attach(
      'jobs',
      (event) => {
        seen.push(
          event.Records.map(({ body, attributes }) => `${body}${attributes.ApproximateReceiveCount}`),
        );
        throw new Error('no');
      },
      { onError: (error) => errors.push(error) },
    );
    await send('x');
    await service.idle();
    await clock.advance(29_999);
    expect(seen).toEqual([['x1']]);
    await clock.advance(60_002);
    await service.idle();
    expect(seen).toEqual([['x1'], ['x2'], ['x3']]);
    expect(errors).toHaveLength(3);
    expect(service.counts('jobs')).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
    expect(service.counts('dead')).toEqual({ visible: 1, delayed: 0, inFlight: 0 });
  });

  test.each<[string, (event: SqsEvent) => unknown, string[]]>([
    [
      'the messages that it names',
      (event) => ({ batchItemFailures: [{ itemIdentifier: event.Records[1]?.messageId }] }),
      ['2'],
    ],
    ['none by an empty list', () => ({ batchItemFailures: [] }), []],
    ['none by null', () => null, []],
    ['none by a null list', () => ({ batchItemFailures: null }), []],
    ['all by an unknown id', () => ({ batchItemFailures: [{ itemIdentifier: 'unknown' }] }), ['1', '2', '3']],
    ['all by an empty id', () => ({ batchItemFailures: [{ itemIdentifier: '' }] }), ['1', '2', '3']],
    ['all by a wrong key', () => ({ batchItemFailures: [{ id: 'x' }] }), ['1', '2', '3']],
  ])('an answer fails %s', async (_what, answer, failed) => {
    const send = sender('jobs');
    for (const body of ['1', '2', '3']) await send(body);
    const seen: string[][] = [];
    service.attach(
      'jobs',
      (event) => {
        seen.push(bodiesOf(event));
        return seen.length === 1 ? answer(event) : undefined;
      },
      { reportBatchItemFailures: true },
    );
    await service.idle();
    expect(service.counts('jobs').inFlight).toBe(failed.length);
    await clock.advance(30_000);
    await service.idle();
    expect(seen.slice(1)).toEqual(failed.length === 0 ? [] : [failed]);
    expect(service.counts('jobs')).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  });

  test('without reportBatchItemFailures the answer says nothing', async () => {
    service.attach('jobs', (event) => ({
      batchItemFailures: [{ itemIdentifier: event.Records[0]?.messageId }],
    }));
    await sender('jobs')('x');
    await service.idle();
    expect(service.counts('jobs')).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  });
});

describe('a FIFO queue', () => {
  test('one batch per group at a time, groups concurrently, in order after a failure', async () => {
    const send = sender('jobs.fifo');
    for (const body of ['a1', 'a2', 'a3']) await send(body, { MessageGroupId: 'a' });
    const { begun, handler } = controlled();
    service.attach('jobs.fifo', handler, { batchSize: 2, maximumConcurrency: 5 });
    await send('b1', { MessageGroupId: 'b' });
    expect(begun.map(({ bodies }) => bodies)).toEqual([['a1', 'a2'], ['b1']]);
    begun[1]?.end();
    begun[0]?.fail();
    await service.idle();
    await send('a4', { MessageGroupId: 'a' });
    expect(begun).toHaveLength(2);
    await clock.advance(30_000);
    expect(begun[2]?.bodies).toEqual(['a1', 'a2']);
    begun[2]?.end();
    await new Promise(setImmediate);
    expect(begun[3]?.bodies).toEqual(['a3', 'a4']);
    begun[3]?.end();
    await service.idle();
    expect(service.counts('jobs.fifo')).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  });

  test('every group in its own order through random failures', async () => {
    const send = sender('jobs.fifo');
    const seen = new Map<string, number[]>();
    let invocations = 0;
    service.attach(
      'jobs.fifo',
      async ({ Records }) => {
        invocations += 1;
        await new Promise(setImmediate);
        // Every third invocation fails halfway and returns the rest, as a FIFO handler must.
        const done = invocations % 3 === 0 ? Records.slice(0, Math.floor(Records.length / 2)) : Records;
        for (const { body, attributes } of done) {
          const group = attributes.MessageGroupId ?? '';
          seen.set(group, [...(seen.get(group) ?? []), Number(body.split('-')[1])]);
        }
        return {
          batchItemFailures: Records.slice(done.length).map(({ messageId }) => ({
            itemIdentifier: messageId,
          })),
        };
      },
      { batchSize: 4, maximumConcurrency: 3, reportBatchItemFailures: true },
    );
    for (let index = 0; index < 60; index += 1) {
      const group = `g${index % 4}`;
      await send(`${group}-${index}`, { MessageGroupId: group });
    }
    for (let round = 0; round < 100 && [...seen.values()].flat().length < 60; round += 1) {
      await service.idle();
      await clock.advance(30_000);
    }
    expect(seen.size).toBe(4);
    for (const [group, order] of seen) {
      expect(order).toEqual(Array.from({ length: 15 }, (_, index) => index * 4 + Number(group.slice(1))));
    }
  });

  test('refuses batches over 10', () => {
    expect(() => service.attach('jobs.fifo', () => {}, { batchSize: 11 })).toThrow(RangeError);
  });
});

test('a batching window gathers what becomes visible meanwhile, until the batch is full', async () => {
  const batches: string[][] = [];
  service.attach('jobs', (event) => batches.push(bodiesOf(event)), {
    batchSize: 3,
    batchingWindowSeconds: 2,
  });
  const pass = async (milliseconds: number) => {
    await clock.advance(milliseconds);
    await new Promise(setImmediate);
    await service.idle();
  };
  await sender('jobs')('a');
  await sender('jobs')('b', { DelaySeconds: 1 });
  await pass(1_000);
  expect(batches).toEqual([]);
  await pass(1_000);
  expect(batches).toEqual([['a', 'b']]);
  for (const body of ['c', 'd', 'e', 'f']) await sender('jobs')(body);
  await pass(0);
  expect(batches).toEqual([
    ['a', 'b'],
    ['c', 'd', 'e'],
  ]);
  await pass(2_000);
  expect(batches.at(-1)).toEqual(['f']);
  expect(service.counts('jobs')).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
});
