import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { createSqsClient } from '../../../lib/aws/sqs.ts';
import { createManualClock, type ManualClock } from '../../../lib/local/clock.ts';
import { openQueueService, type QueueService } from '../../../lib/local/queue/index.ts';

let clock: ManualClock;
let service: QueueService<'jobs' | 'other'>;
let client: ReturnType<typeof createSqsClient>;
let QueueUrl: string;
beforeEach(async () => {
  clock = createManualClock();
  service = await openQueueService({ queues: { jobs: {}, other: {} }, clock });
  client = createSqsClient({
    region: 'us-east-1',
    credentials: localCredentials,
    requestHandler: service.requestHandler,
  });
  QueueUrl = service.urlOf('jobs');
});
afterEach(() => service.close());

const send = (MessageBody: string, extra = {}) =>
  client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...extra }));
const receive = async () => (await client.send(new ReceiveMessageCommand({ QueueUrl }))).Messages ?? [];
const metered = () => service.meters('jobs').meteredRequests;

test('a request is billed by 64 KB of all its messages as UTF-8, with attributes', async () => {
  await send('x'.repeat(65_536));
  expect(metered()).toBe(1);
  await send('é'.repeat(32_769));
  expect(metered()).toBe(1 + 2);
  // Name 2, type 6, value 1.
  const attributes = { MessageAttributes: { at: { DataType: 'String', StringValue: 'x' } } };
  await send('x'.repeat(65_536 - 9), attributes);
  expect(metered()).toBe(3 + 1);
  await send('x'.repeat(65_536 - 8), attributes);
  expect(metered()).toBe(4 + 2);
  const Entries = Array.from({ length: 10 }, (_, index) => ({
    Id: `${index}`,
    MessageBody: 'x'.repeat(7_000),
  }));
  await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  expect(metered()).toBe(6 + 2);
  expect(service.meters('jobs').requests).toBe(5);
  expect(service.meters('other')).toEqual({ requests: 0, meteredRequests: 0, invocations: 0, billedMs: 0 });
});

test('an empty receive counts once, one with messages by their size, a delete once', async () => {
  await receive();
  expect(metered()).toBe(1);
  await send('é'.repeat(32_769));
  const [message] = await receive();
  expect(metered()).toBe(1 + 2 + 2);
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
  expect(metered()).toBe(6);
});

test('for a function a batch is one receive and one delete; failed messages are not deleted', async () => {
  for (let sent = 0; sent < 10; sent += 1) await send('x');
  service.attach('jobs', async () => {
    await clock.advance(89.2);
  });
  await service.idle();
  expect(service.meters('jobs')).toEqual({ requests: 12, meteredRequests: 12, invocations: 1, billedMs: 90 });
});

test('a batch that fails costs its receive and the time it ran', async () => {
  await send('x');
  service.attach('jobs', () => {
    throw new Error('at once');
  });
  await service.idle();
  expect(service.meters('jobs')).toEqual({ requests: 2, meteredRequests: 2, invocations: 1, billedMs: 1 });
});
