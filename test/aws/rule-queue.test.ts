import { afterEach, expect, test } from 'vitest';
import { createRuleQueue, ruleGroupOf, ruleRecordOf } from '../../lib/aws/rule-queue.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { createSqsClient } from '../../lib/aws/sqs.ts';
import { RuleRecordFormatError, ruleRecordFrom, ruleRecordText } from '../../lib/core/rule-record.ts';
import { type RuleRecord, ruleStrands } from '../../lib/core/rules.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { openQueueService, type QueueService } from '../../lib/local/queue/index.ts';

const record: RuleRecord = {
  tenant: vouchedTenantId('acme'),
  rule: 'r',
  lane: 'common',
  message: {
    id: 'M1',
    topic: 'orders/1',
    payload: Uint8Array.of(0, 255, 10),
    qos: 1,
    retain: false,
    properties: {},
  },
  publishedAtMs: 5,
  hops: 0,
};
const full: RuleRecord = {
  ...record,
  lane: 'kafka',
  hops: 2,
  failure: 'connection-lost',
  retryFromMs: 7,
  moves: 1,
  undecided: true,
  message: {
    ...record.message,
    qos: 2,
    retain: true,
    publisher: 'client \u{ffff}',
    expiresAtMs: 9,
    properties: {
      payloadFormatIndicator: true,
      contentType: 'text/plain',
      responseTopic: 'answers',
      correlationData: Uint8Array.of(1, 2),
      userProperties: [
        ['unit', '°C'],
        ['unit', '\u{1}'],
      ],
    },
  },
};

let queues: QueueService<'rules.fifo' | 'kafka.fifo'> | undefined;
afterEach(() => queues?.close());

async function open() {
  queues = await openQueueService({ queues: { 'rules.fifo': {}, 'kafka.fifo': {} } });
  const service = queues;
  const { requestHandler } = service;
  const client = createSqsClient({ region: 'us-east-1', credentials: localCredentials, requestHandler });
  const [common, kafka] = [service.urlOf('rules.fifo'), service.urlOf('kafka.fifo')];
  const arrived: { readonly queue: string; readonly record: RuleRecord }[] = [];
  return {
    arrived,
    queue: createRuleQueue(client, { common, kafka }),
    withoutKafka: createRuleQueue(client, { common }),
    requests: () => service.meters('rules.fifo').meteredRequests,
    async drain() {
      for (const queue of ['rules.fifo', 'kafka.fifo'] as const) {
        const attachment = service.attach(queue, (event) => {
          arrived.push(...event.Records.map(({ body }) => ({ queue, record: ruleRecordOf(body) })));
        });
        await service.idle();
        await attachment.detach();
      }
    },
  };
}

test('a record arrives as it was sent, in the queue of its lane', async () => {
  const { queue, arrived, drain } = await open();
  await queue.send([record, full]);
  await drain();
  expect(arrived).toEqual([
    { queue: 'rules.fifo', record },
    { queue: 'kafka.fifo', record: full },
  ]);
});

test('the same message and rule counts once; another rule, message, tenant, redrive or move does not', async () => {
  const { queue, arrived, drain } = await open();
  const others = [
    { ...record, rule: 'q' },
    { ...record, message: { ...record.message, id: 'M2' } },
    { ...record, tenant: vouchedTenantId('other') },
    { ...record, retryFromMs: 3 },
    { ...record, moves: 2 },
  ];
  for (const publishedAtMs of [1, 2]) await queue.send([{ ...record, publishedAtMs }, ...others]);
  await drain();
  expect(arrived).toHaveLength(6);
});

test('ten records take one request, and eleven take two', async () => {
  const { queue, requests } = await open();
  const many = (count: number, id: string) =>
    Array.from({ length: count }, (_, index) => ({
      ...record,
      message: { ...record.message, id: `${id}${index}` },
    }));
  await queue.send(many(10, 'a'));
  expect(requests()).toBe(1);
  await queue.send(many(11, 'b'));
  expect(requests()).toBe(3);
});

test('without a queue for Kafka no call that has records for it resolves', async () => {
  const { withoutKafka, queue, arrived, drain } = await open();
  expect([[...withoutKafka.lanes], [...queue.lanes]]).toEqual([['common'], ['common', 'kafka']]);
  await expect(withoutKafka.send([record, full])).rejects.toMatchObject({ code: 'rule-kafka-off' });
  await drain();
  expect(arrived).toEqual([]);
});

test('one rule has at most 64 groups, and a topic has one', async () => {
  const groups = new Set(
    Array.from({ length: 2_000 }, (_, index) =>
      ruleGroupOf({ ...record, message: { ...record.message, topic: `t/${index}` } }),
    ),
  );
  expect(groups.size).toBe(ruleStrands);
  expect(ruleGroupOf(record)).toBe(ruleGroupOf({ ...record, message: { ...record.message, id: 'M9' } }));
  for (const group of groups) expect(group.length).toBeLessThanOrEqual(128);
});

test.each([
  ['no JSON', 'x'],
  ['another version', JSON.stringify({ v: 2, record: JSON.parse(ruleRecordText(record)) })],
  ['an unknown member', JSON.stringify({ v: 1, record: JSON.parse(ruleRecordText(record)), more: 1 })],
  ['another kind', JSON.stringify({ v: 1, drain: {} })],
  ['an unknown field', JSON.stringify({ v: 1, record: { ...JSON.parse(ruleRecordText(record)), x: 1 } })],
  [
    'a payload that is not base64',
    JSON.stringify({
      v: 1,
      record: { ...JSON.parse(ruleRecordText(record)), message: { ...record.message, payload: '?' } },
    }),
  ],
])('a message with %s is refused by name', (_, body) => {
  expect(() => ruleRecordOf(body)).toThrow(RuleRecordFormatError);
});

test('the text of a record reads as the same record; the largest fits into a message of SQS', () => {
  for (const one of [record, full]) expect(ruleRecordFrom(ruleRecordText(one))).toEqual(one);
  const worst = '\u{1}'.repeat(65_535);
  const largest = {
    ...record,
    message: { ...record.message, properties: { userProperties: [[worst, worst]] as const } },
  };
  expect(Buffer.byteLength(ruleRecordText(largest))).toBeLessThan(1_048_576);
});
