import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { describe, expect, test } from 'vitest';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { createSqsClient } from '../../../lib/aws/sqs.ts';
import { openQueueService } from '../../../lib/local/queue/index.ts';
import type { MessageStore } from '../../../lib/local/queue/journal.ts';
import { bodies, client, clock, receive, remove, send, service } from './queues.ts';

describe('a standard queue', () => {
  test('returns a message with its attributes, hides it, and removes it when deleted', async () => {
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
    // The value in a captured response of SQS for this attribute.
    const MessageAttributes = { timestamp: { DataType: 'Number', StringValue: '1493147359900' } };
    const { MD5OfMessageAttributes } = await send('plain', 'x', { MessageAttributes });
    expect(MD5OfMessageAttributes).toBe('235c5c510d26fb653d073faed50ae77c');
  });

  test('delays by message and by queue, and drops messages after the retention time', async () => {
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

  test('a message that is not deleted returns with another receipt, then moves to the dead-letter queue', async () => {
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

  test('a long poll ends with the first visible message, or at its time-out', async () => {
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

  test('keeps the order of a group, and locks only that group while a message is in flight', async () => {
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

  test('drops duplicates for five minutes, by id or by content, even of deleted messages', async () => {
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

describe('a queue that a client creates', () => {
  const create = (QueueName: string) => client.send(new CreateQueueCommand({ QueueName }));

  test('takes messages; one of that name stays as it is', async () => {
    for (const name of ['made', 'made.fifo', 'plain']) {
      const { QueueUrl } = await create(name);
      expect(QueueUrl).toMatch(new RegExp(`/${name}$`));
      const fifo = { MessageGroupId: 'g', MessageDeduplicationId: name };
      await client.send(
        new SendMessageCommand({ QueueUrl, MessageBody: name, ...(name.endsWith('.fifo') ? fifo : {}) }),
      );
      await create(name);
      const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
      expect(Messages?.map(({ Body }) => Body)).toEqual([name]);
    }
  });

  test('has a name that SQS would take', async () => {
    for (const name of ['', 'a/b', 'x'.repeat(81), '../x'])
      await expect(create(name)).rejects.toThrow(/name of 1 to 80/);
  });

  test('that has messages is there after a restart', async () => {
    const store = memoryStore();
    const first = await openQueueService({ queues: {}, store });
    const clientOf = (requestHandler: typeof first.requestHandler) =>
      createSqsClient({ region: 'us-east-1', credentials: localCredentials, requestHandler });
    const before = clientOf(first.requestHandler);
    const { QueueUrl } = await before.send(new CreateQueueCommand({ QueueName: 'made' }));
    await before.send(new SendMessageCommand({ QueueUrl, MessageBody: 'kept' }));
    await first.close();
    const second = await openQueueService({ queues: {}, store });
    const { Messages } = await clientOf(second.requestHandler).send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(['kept']);
    await second.close();
  });
});

function memoryStore(): MessageStore {
  const values = new Map<string, unknown>();
  return {
    put: async (key, value) => void values.set(key, structuredClone(value)),
    del: async (key) => void values.delete(key),
    entries: async () => [...values].sort(([one], [other]) => (one < other ? -1 : 1)),
  };
}
