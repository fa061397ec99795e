import { createHash } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { createFanoutQueue, groupOf, SliceFormatError, sliceFrom } from '../../lib/aws/fanout-queue.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { createSqsClient } from '../../lib/aws/sqs.ts';
import type { FanoutSlice } from '../../lib/core/model.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { createRequestHandler, inputOf, jsonResponse } from '../../lib/local/aws-json.ts';
import { openQueueService, type QueueService } from '../../lib/local/queue/index.ts';

const slice: FanoutSlice = {
  tenant: vouchedTenantId('acme'),
  id: 'fan-out-1',
  topic: 'a/ö😀\uffff',
  filters: ['a/+', '#'],
  messageIds: ['one', 'two'],
  again: ['two'],
  slice: 0,
  slices: 16,
};
const sixteen = (changes: Partial<FanoutSlice> = {}) =>
  Array.from({ length: 16 }, (_, index): FanoutSlice => ({ ...slice, ...changes, slice: index }));
const client = (requestHandler: QueueService['requestHandler']) =>
  createSqsClient({ region: 'us-east-1', credentials: localCredentials, requestHandler });

let queues: QueueService<'slices.fifo'> | undefined;
afterEach(() => queues?.close());

async function open() {
  queues = await openQueueService({ queues: { 'slices.fifo': {} } });
  const arrived: FanoutSlice[] = [];
  const service = queues;
  return {
    arrived,
    queue: createFanoutQueue(client(queues.requestHandler), queues.urlOf('slices.fifo')),
    async drain() {
      const attachment = service.attach('slices.fifo', (event) => {
        arrived.push(...event.Records.map(({ body }) => sliceFrom(body)));
      });
      await service.idle();
      await attachment.detach();
    },
  };
}

test('slices arrive as they were sent, those of one topic and range in their order', async () => {
  const { queue, arrived, drain } = await open();
  for (const id of ['first', 'second', 'third']) await queue.send(sixteen({ id }));
  await drain();
  expect(arrived).toHaveLength(48);
  for (let index = 0; index < 16; index += 1) {
    const range = arrived.filter((one) => one.slice === index);
    expect(range).toEqual(['first', 'second', 'third'].map((id) => ({ ...slice, id, slice: index })));
  }
});

test('a fan-out that is sent again counts once', async () => {
  const { queue, arrived, drain } = await open();
  await queue.send(sixteen().slice(0, 7));
  await queue.send(sixteen());
  await drain();
  expect(arrived.map((one) => one.slice).toSorted((a, b) => a - b)).toEqual(
    sixteen().map((one) => one.slice),
  );
});

test('slices too large for one request go in several', async () => {
  const { queue, arrived, drain } = await open();
  const filters = Array.from({ length: 60 }, (_, index) => `${'f'.repeat(990)}${index}`);
  await queue.send(sixteen({ filters }));
  await drain();
  expect(arrived).toHaveLength(16);
});

test('groups are those of tenant, topic and range', () => {
  const groups = [
    slice,
    { ...slice, slice: 1 },
    { ...slice, topic: 'a/b' },
    { ...slice, tenant: vouchedTenantId('other') },
  ].map(groupOf);
  expect(new Set(groups).size).toBe(4);
  expect(groupOf({ ...slice, id: 'another', filters: [] })).toBe(groups[0]);
  for (const group of groups) expect(group).toMatch(/^[\w-]{1,128}$/);
});

test.each([
  [1, 'sent'],
  [3, 'sent'],
  [4, 'queue-send'],
])('entries that SQS does not take %i times: %s', async (times, outcome) => {
  const tries = new Map<string, number>();
  const handler = createRequestHandler(async (request) => {
    const { Entries } = inputOf(request) as { Entries: { Id: string; MessageBody: string }[] };
    const failed = Entries.filter(({ Id }) => {
      tries.set(Id, (tries.get(Id) ?? 0) + 1);
      return Id === '3' && (tries.get(Id) ?? 0) <= times;
    });
    return jsonResponse(200, {
      Successful: Entries.filter((entry) => !failed.includes(entry)).map(({ Id, MessageBody }) => ({
        Id,
        MessageId: Id,
        MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
      })),
      Failed: failed.map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false })),
    });
  });
  const sending = createFanoutQueue(client(handler), 'http://localhost/slices.fifo').send(sixteen());
  if (outcome === 'sent') await sending;
  else await expect(sending).rejects.toMatchObject({ code: outcome });
  // Accepted entries are not sent again.
  expect([...tries].filter(([id, count]) => id !== '3' && count !== 1)).toEqual([]);
});

test.each([
  ['another version', JSON.stringify({ ...slice, v: 2 })],
  ['a tenant that cannot be', JSON.stringify({ ...slice, v: 1, tenant: 'a/b' })],
  ['a slice beyond the last', JSON.stringify({ ...slice, v: 1, slice: 16 })],
  ['no messages', JSON.stringify({ ...slice, v: 1, messageIds: undefined })],
])('a body with %s is refused by name', (_, body) => {
  expect(() => sliceFrom(body)).toThrow(SliceFormatError);
});
