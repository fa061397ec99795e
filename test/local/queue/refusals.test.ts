import { DeleteMessageBatchCommand, SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, test } from 'vitest';
import { openQueueService } from '../../../lib/local/queue/index.ts';
import type { QueueDefinition } from '../../../lib/local/queue/queue.ts';
import { client, type Name, receive, send, service } from './queues.ts';

describe('batches', () => {
  test('each entry succeeds or fails alone', async () => {
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

  test('an unknown queue, an unknown operation, a body that is not a JSON object', async () => {
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

  test('invalid definitions', async () => {
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
