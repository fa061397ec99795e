import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { createSqsClient } from '../../../lib/aws/sqs.ts';
import { createManualClock, type ManualClock } from '../../../lib/local/clock.ts';
import { openQueueService, type QueueService } from '../../../lib/local/queue/index.ts';
import type { QueueDefinition } from '../../../lib/local/queue/queue.ts';

const queues = {
  plain: { visibilityTimeoutSeconds: 30, deadLetter: { queue: 'dead', maxReceiveCount: 2 } },
  dead: {},
  slow: { delaySeconds: 10, retentionSeconds: 60 },
  'ordered.fifo': { visibilityTimeoutSeconds: 30 },
  'content.fifo': { contentBasedDeduplication: true },
};
type Name = keyof typeof queues;

let clock: ManualClock;
let service: QueueService<Name>;
let client: SQSClient;

beforeEach(async () => {
  clock = createManualClock();
  service = await openQueueService({ queues, clock, region: 'eu-west-1' });
  client = createSqsClient({
    region: 'eu-west-1',
    credentials: localCredentials,
    requestHandler: service.requestHandler,
  });
});
afterEach(() => service.close());

const send = (name: Name, MessageBody: string, extra = {}) =>
  client.send(new SendMessageCommand({ QueueUrl: service.urlOf(name), MessageBody, ...extra }));
const receive = async (name: Name, extra = {}) =>
  (
    await client.send(
      new ReceiveMessageCommand({ QueueUrl: service.urlOf(name), MaxNumberOfMessages: 10, ...extra }),
    )
  ).Messages ?? [];
const bodies = async (name: Name, extra = {}) => (await receive(name, extra)).map(({ Body }) => Body);
const remove = (name: Name, ReceiptHandle: string | undefined) =>
  client.send(new DeleteMessageCommand({ QueueUrl: service.urlOf(name), ReceiptHandle }));

describe('a standard queue', () => {
  test('gives a message with its attributes, hides it, and forgets it when deleted', async () => {
    const MessageAttributes = {
      kind: { DataType: 'String', StringValue: 'ping' },
      raw: { DataType: 'Binary', BinaryValue: Buffer.from([0, 255]) },
    };
    const sent = await send('plain', 'héllo 😀\t', { MessageAttributes });
    const [message, ...more] = await receive('plain', {
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    expect(more).toEqual([]);
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: 'héllo 😀\t',
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      Attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(clock.now()) },
    });
    expect(message?.MessageAttributes?.kind?.StringValue).toBe('ping');
    expect(Buffer.from(message?.MessageAttributes?.raw?.BinaryValue ?? [])).toEqual(Buffer.from([0, 255]));
    expect(await receive('plain')).toEqual([]);
    expect(service.counts('plain')).toEqual({ visible: 0, delayed: 0, inFlight: 1 });
    await remove('plain', message?.ReceiptHandle);
    await clock.advance(3_600_000);
    expect(await receive('plain')).toEqual([]);
    expect(service.counts('plain')).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  });

  test('computes MD5 of attributes as AWS does', async () => {
    // The value that a captured answer of SQS carries for this attribute.
    const MessageAttributes = { timestamp: { DataType: 'Number', StringValue: '1493147359900' } };
    const { MD5OfMessageAttributes } = await send('plain', 'x', { MessageAttributes });
    expect(MD5OfMessageAttributes).toBe('235c5c510d26fb653d073faed50ae77c');
  });

  test('delays by message and by queue, and forgets what nobody took in time', async () => {
    await send('plain', 'later', { DelaySeconds: 900 });
    await send('plain', 'now');
    expect(await bodies('plain', { VisibilityTimeout: 43_200 })).toEqual(['now']);
    await clock.advance(899_999);
    expect(await bodies('plain')).toEqual([]);
    await clock.advance(1);
    expect(await bodies('plain')).toEqual(['later']);

    await send('slow', 'a');
    await send('slow', 'b', { DelaySeconds: 0 });
    expect(await bodies('slow', { VisibilityTimeout: 0 })).toEqual(['b']);
    await clock.advance(10_000);
    expect((await bodies('slow', { VisibilityTimeout: 0 })).toSorted()).toEqual(['a', 'b']);
    await clock.advance(51_000);
    expect(await bodies('slow')).toEqual([]);
  });

  test('a message that is not deleted comes back, with another receipt, and then goes to the dead letters', async () => {
    await send('plain', 'poison', { MessageAttributes: { a: { DataType: 'String', StringValue: 'b' } } });
    const [first] = await receive('plain');
    await client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: service.urlOf('plain'),
        ReceiptHandle: first?.ReceiptHandle,
        VisibilityTimeout: 100,
      }),
    );
    await clock.advance(99_999);
    expect(await receive('plain')).toEqual([]);
    await clock.advance(1);
    const [second] = await receive('plain', { MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(second?.Attributes).toEqual({ ApproximateReceiveCount: '2' });
    expect(second?.ReceiptHandle).not.toBe(first?.ReceiptHandle);
    await remove('plain', first?.ReceiptHandle);
    await clock.advance(30_000);
    expect(await receive('plain')).toEqual([]);
    const [dead] = await receive('dead', {
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['a'],
    });
    expect(dead).toMatchObject({
      Body: 'poison',
      MessageId: first?.MessageId,
      Attributes: { DeadLetterQueueSourceArn: 'arn:aws:sqs:eu-west-1:000000000000:plain' },
      MessageAttributes: { a: { StringValue: 'b' } },
    });
  });

  test('a long poll ends with the first message that becomes visible, or with its time', async () => {
    const waiting = bodies('plain', { WaitTimeSeconds: 20 });
    await new Promise(setImmediate);
    await send('plain', 'delayed', { DelaySeconds: 5 });
    await clock.advance(5_000);
    expect(await waiting).toEqual(['delayed']);
    const inVain = bodies('plain', { WaitTimeSeconds: 20 });
    await new Promise(setImmediate);
    await clock.advance(20_000);
    expect(await inVain).toEqual([]);
  });
});

describe('a FIFO queue', () => {
  const sendTo = (MessageGroupId: string, body: string) =>
    send('ordered.fifo', body, { MessageGroupId, MessageDeduplicationId: body });

  test('keeps the order of a group, locks it while one of it is in flight, and lets others pass', async () => {
    for (const body of ['a1', 'a2', 'a3', 'a4']) await sendTo('a', body);
    await sendTo('b', 'b1');
    const first = await receive('ordered.fifo', { MaxNumberOfMessages: 3 });
    expect(first.map(({ Body }) => Body)).toEqual(['a1', 'a2', 'a3']);
    expect(await bodies('ordered.fifo')).toEqual(['b1']);
    await remove('ordered.fifo', first[0]?.ReceiptHandle);
    await client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: service.urlOf('ordered.fifo'),
        ReceiptHandle: first[1]?.ReceiptHandle,
        VisibilityTimeout: 0,
      }),
    );
    expect(await bodies('ordered.fifo')).toEqual([]);
    await remove('ordered.fifo', first[2]?.ReceiptHandle);
    const again = await receive('ordered.fifo', { MessageSystemAttributeNames: ['All'] });
    expect(again.map(({ Body }) => Body)).toEqual(['a2', 'a4']);
    expect(again[0]?.Attributes).toMatchObject({
      MessageGroupId: 'a',
      MessageDeduplicationId: 'a2',
      SequenceNumber: expect.stringMatching(/^\d{20}$/),
      ApproximateReceiveCount: '2',
    });
  });

  test('drops duplicates for five minutes, by id or by content, even of what was deleted', async () => {
    const one = await sendTo('a', 'same');
    const [message] = await receive('ordered.fifo');
    await remove('ordered.fifo', message?.ReceiptHandle);
    await clock.advance(299_999);
    const two = await sendTo('b', 'same');
    expect([two.MessageId, two.SequenceNumber]).toEqual([one.MessageId, one.SequenceNumber]);
    expect(await receive('ordered.fifo')).toEqual([]);
    await clock.advance(1);
    expect((await sendTo('a', 'same')).MessageId).not.toBe(one.MessageId);
    expect(await bodies('ordered.fifo')).toEqual(['same']);

    for (const body of ['x', 'y', 'x']) await send('content.fifo', body, { MessageGroupId: 'g' });
    expect(await bodies('content.fifo')).toEqual(['x', 'y']);
  });
});

describe('batches', () => {
  test('each entry succeeds or fails by itself', async () => {
    const QueueUrl = service.urlOf('plain');
    const { Successful, Failed } = await client.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'good', MessageBody: 'good' },
          { Id: 'late', MessageBody: 'x', DelaySeconds: 901 },
          { Id: 'nul', MessageBody: '\0' },
          { Id: 'also-good', MessageBody: 'also good' },
        ],
      }),
    );
    expect(Successful?.map(({ Id }) => Id)).toEqual(['good', 'also-good']);
    expect(Failed).toMatchObject([
      { Id: 'late', Code: 'InvalidParameterValue', SenderFault: true },
      { Id: 'nul', Code: 'InvalidMessageContents', SenderFault: true },
    ]);
    const messages = await receive('plain');
    expect(messages.map(({ Body }) => Body)).toEqual(['good', 'also good']);
    const deleted = await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
      }),
    );
    expect(deleted.Successful).toHaveLength(2);
    expect(service.counts('plain')).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  });

  test.each([
    ['EmptyBatchRequest', []],
    [
      'TooManyEntriesInBatchRequest',
      Array.from({ length: 11 }, (_, index) => ({ Id: `${index}`, MessageBody: 'x' })),
    ],
    [
      'BatchEntryIdsNotDistinct',
      [
        { Id: 'a', MessageBody: 'x' },
        { Id: 'a', MessageBody: 'y' },
      ],
    ],
    ['InvalidBatchEntryId', [{ Id: 'a b', MessageBody: 'x' }]],
    ['BatchRequestTooLong', ['a', 'b'].map((Id) => ({ Id, MessageBody: 'x'.repeat(600_000) }))],
  ])('%s', async (name, Entries) => {
    const sent = client.send(new SendMessageBatchCommand({ QueueUrl: service.urlOf('plain'), Entries }));
    await expect(sent).rejects.toMatchObject({ name });
  });
});

describe('refusals', () => {
  test.each<[string, string, Name, string, object]>([
    ['a delay over 900 s', 'InvalidParameterValue', 'plain', 'x', { DelaySeconds: 901 }],
    ['a body over 1 MiB', 'InvalidParameterValue', 'plain', 'é'.repeat(524_289), {}],
    ['an empty body', 'MissingParameter', 'plain', '', {}],
    ['a lone surrogate', 'InvalidMessageContents', 'plain', '\ud800', {}],
    [
      'a deduplication id on a standard queue',
      'InvalidParameterValue',
      'plain',
      'x',
      { MessageDeduplicationId: 'x' },
    ],
    ['no group on a FIFO queue', 'MissingParameter', 'ordered.fifo', 'x', { MessageDeduplicationId: 'x' }],
    ['no deduplication id', 'InvalidParameterValue', 'ordered.fifo', 'x', { MessageGroupId: 'x' }],
    ['a group with a space', 'InvalidParameterValue', 'content.fifo', 'x', { MessageGroupId: 'a b' }],
    [
      'a delay on a FIFO queue',
      'InvalidParameterValue',
      'content.fifo',
      'x',
      { MessageGroupId: 'x', DelaySeconds: 1 },
    ],
    [
      'an attribute without value',
      'InvalidParameterValue',
      'plain',
      'x',
      { MessageAttributes: { a: { DataType: 'String' } } },
    ],
  ])('%s', async (_what, name, queue, body, extra) => {
    await expect(send(queue, body, extra)).rejects.toMatchObject({ name });
    expect(service.counts(queue)).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  });

  test('a queue that is not there, an operation that is not known, a body that is no JSON', async () => {
    const QueueUrl = service.urlOf('plain').replace('plain', 'constructor');
    await expect(client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }))).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
      Code: 'AWS.SimpleQueueService.NonExistentQueue',
    });
    const call = async (operation: string, body: string) =>
      (
        await service.requestHandler.handle({
          method: 'POST',
          headers: { 'x-amz-target': `AmazonSQS.${operation}` },
          body,
        })
      ).response;
    for (const operation of ['PurgeQueue', 'constructor', '']) {
      expect(JSON.parse(Buffer.from((await call(operation, '{}')).body).toString())).toMatchObject({
        __type: 'InvalidAction',
      });
    }
    expect((await call('SendMessage', '[]')).statusCode).toBe(400);
  });

  test('definitions that make no sense', async () => {
    const senseless: Record<string, QueueDefinition>[] = [
      { 'a b': {} },
      { a: { delaySeconds: 901 } },
      { a: { visibilityTimeoutSeconds: 43_201 } },
      { a: { deadLetter: { queue: 'b', maxReceiveCount: 1 } } },
      { a: { deadLetter: { queue: 'b.fifo', maxReceiveCount: 1 } }, 'b.fifo': {} },
      { a: { deadLetter: { queue: 'a', maxReceiveCount: 0 } } },
    ];
    for (const definitions of senseless) {
      await expect(openQueueService({ queues: definitions })).rejects.toBeInstanceOf(RangeError);
    }
  });
});

test('over TCP, with the same URLs', async () => {
  const { url } = await service.listen();
  const remote = createSqsClient({ region: 'eu-west-1', credentials: localCredentials, endpoint: url });
  const { QueueUrl } = await remote.send(new GetQueueUrlCommand({ QueueName: 'plain' }));
  expect(QueueUrl).toBe(service.urlOf('plain'));
  await remote.send(new SendMessageCommand({ QueueUrl, MessageBody: 'over there' }));
  const { Attributes } = await remote.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  expect(Attributes).toMatchObject({ ApproximateNumberOfMessages: '1' });
  expect((await remote.send(new ListQueuesCommand({}))).QueueUrls).toHaveLength(5);
  remote.destroy();
  expect(await bodies('plain')).toEqual(['over there']);
});
