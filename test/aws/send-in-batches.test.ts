import type { SendMessageBatchCommand, SendMessageBatchRequestEntry, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { sendInBatches } from '../../lib/aws/send-in-batches.ts';

type Entry = Omit<SendMessageBatchRequestEntry, 'Id'>;

/** Entries of groups, numbered within each: `a0`, `b0`, `a1`, … */
function entriesOf(groups: readonly string[], each: number): Entry[] {
  return Array.from({ length: each }, (_, number) =>
    groups.map((group) => ({ MessageBody: `${group}${number}`, MessageGroupId: group })),
  ).flat();
}

/** A queue that takes a request when the test says so. */
function queue(refuses: (body: string) => boolean = () => false) {
  const taken: string[] = [];
  const waiting: (() => void)[] = [];
  let requests = 0;
  const client = {
    send: ({ input }: SendMessageBatchCommand) => {
      requests += 1;
      return new Promise((resolve) => {
        waiting.push(() => {
          const refused = (input.Entries ?? []).filter(({ MessageBody = '' }) => refuses(MessageBody));
          for (const { MessageBody = '' } of input.Entries ?? [])
            if (!refused.some((one) => one.MessageBody === MessageBody)) taken.push(MessageBody);
          resolve({ Failed: refused.map(({ Id }) => ({ Id, Code: 'Throttled' })) });
        });
      });
    },
  } as unknown as SQSClient;
  return {
    client,
    taken,
    requests: () => requests,
    waiting: () => waiting.length,
    /** Takes requests, the last one first, until none comes. */
    async takeAll() {
      for (;;) {
        await new Promise(setImmediate);
        const last = waiting.pop();
        if (last === undefined) return;
        last();
      }
    },
  };
}

const of = (taken: readonly string[], group: string) => taken.filter((body) => body.startsWith(group));

test('more records of one group than a request takes are sent one request after another', async () => {
  const { client, taken, takeAll, requests } = queue();
  const sent = sendInBatches(client, 'queue', entriesOf(['a'], 25));
  expect(requests()).toBe(1);
  await takeAll();
  await sent;
  expect(taken).toEqual(Array.from({ length: 25 }, (_, number) => `a${number}`));
  expect(requests()).toBe(3);
});

test('groups do not wait for each other, and take no request more', async () => {
  const { client, taken, takeAll, requests, waiting } = queue();
  const groups = ['a', 'b', 'c'];
  const sent = sendInBatches(client, 'queue', entriesOf(groups, 10));
  expect(waiting()).toBe(3);
  await takeAll();
  await sent;
  expect(requests()).toBe(3);
  for (const group of groups)
    expect(of(taken, group)).toEqual(Array.from({ length: 10 }, (_, number) => `${group}${number}`));
});

test('a record that the queue has not taken holds back those behind it in its group', async () => {
  let refusals = 2;
  const { client, taken, takeAll } = queue((body) => body === 'a9' && refusals-- > 0);
  const sent = sendInBatches(client, 'queue', entriesOf(['a'], 25));
  await takeAll();
  await sent;
  expect(taken).toEqual(Array.from({ length: 25 }, (_, number) => `a${number}`));
});

test('one that the queue never takes keeps those of later requests back', async () => {
  const { client, taken, takeAll, requests } = queue((body) => body === 'a9');
  const sent = sendInBatches(client, 'queue', entriesOf(['a'], 25));
  const result = expect(sent).rejects.toMatchObject({ code: 'queue-send' });
  await takeAll();
  await result;
  expect(taken).toHaveLength(9);
  expect(requests()).toBe(4);
});

test('messages of a queue without groups are sent side by side', async () => {
  const { client, takeAll, waiting } = queue();
  const sent = sendInBatches(
    client,
    'queue',
    entriesOf(['a'], 25).map(({ MessageBody }) => ({ MessageBody })),
  );
  expect(waiting()).toBe(3);
  await takeAll();
  await sent;
});
