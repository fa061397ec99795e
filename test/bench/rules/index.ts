import { createRuleTargets } from '../../../lib/aws/rule-targets/index.ts';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { metrics } from '../../../lib/core/metrics.ts';
import type { RuleTarget } from '../../../lib/core/rules.ts';
import { openQueueService, type QueueService } from '../../../lib/local/queue/index.ts';
import { wakeRule } from '../../../lib/rules/run/outage.ts';
import { createWebhookSecret } from '../../../lib/rules/targets/signature.ts';
import { startTestService, type TestService } from '../../support/service.ts';
import { type Child, startChild } from '../process.ts';
import type { Run, SectionResult, Table } from '../report.ts';
import { type Spread, spread } from '../statistics.ts';
import { ruleKey, sendRecords, storeBenchRule, timedPayload, topicOf } from './bench-rule.ts';
import type { Receiver } from './receiver-process.ts';
import { callMs, measureUnits, unitsTable } from './units.ts';

const queueArn = 'arn:aws:sqs:us-east-1:000000000000:target';

/** A rule from the publisher to its target, on this machine. */
export async function measure({ quick, progress }: Run): Promise<SectionResult> {
  progress('units');
  const units = await measureUnits(quick);
  const receiver = startChild<Receiver>('./rules/receiver-process.ts');
  const targetQueue = await openQueueService({ queues: { target: {} } });
  try {
    const webhook = { kind: 'webhook', url: (await receiver.call('start', undefined)).url } as const;
    const parts = { receiver, targetQueue };
    progress('latency');
    const latency = await measureLatency(parts, webhook, quick ? 3 : 30);
    progress('throughput');
    const records = quick ? 2_000 : 5_000;
    const rates = [
      ['webhook, 1,000 topics', await measureThroughput(parts, webhook, records, 1_000)],
      ['webhook, one topic', await measureThroughput(parts, webhook, records / 4, 1)],
      ['SQS, 1,000 topics', await measureThroughput(parts, { kind: 'sqs', queueArn }, records, 1_000)],
      ['SQS, one topic', await measureThroughput(parts, { kind: 'sqs', queueArn }, records / 4, 1)],
    ] as const;
    const waiting = quick ? 5_000 : drainedRecords;
    progress(`an outage with ${waiting} records`);
    const outage = await measureOutage(parts, webhook, waiting);
    return {
      tables: [
        unitsTable(units),
        latencyTable(latency),
        { title: 'Throughput of one rule', columns: ['target', 'records per second'], rows: rates },
        outageTable(outage),
      ],
      plots: [],
      notes: notesOf(outage.records),
      data: { units, latency, rates, outage },
    };
  } finally {
    await receiver.stop();
    await targetQueue.close();
  }
}

/** Records that wait at the end of the outage. */
const drainedRecords = 20_000;
const publishesPerSecond = 20;

interface Parts {
  readonly receiver: Child<Receiver>;
  readonly targetQueue: QueueService<'target'>;
}

async function withService<Value>(
  { targetQueue, receiver }: Parts,
  target: RuleTarget,
  work: (service: TestService, password: Awaited<ReturnType<typeof storeBenchRule>>) => Promise<Value>,
): Promise<Value> {
  await receiver.call('reset', undefined);
  const secret = createWebhookSecret();
  const service = await startTestService({
    ruleTargets: createRuleTargets({
      webhook: { secrets: { read: async () => [secret] }, nowMs: Date.now, allowPrivate: true },
      aws: { credentials: localCredentials, requestHandler: targetQueue.requestHandler },
    }),
  });
  try {
    return await work(service, await storeBenchRule(service, target));
  } finally {
    await service.close();
  }
}

/** From `publish` of a client to the webhook's request. */
function measureLatency(parts: Parts, target: RuleTarget, seconds: number): Promise<Spread> {
  return withService(parts, target, async (service, mint) => {
    const client = await service.connect(mint);
    const count = seconds * publishesPerSecond;
    const warmUp = publishesPerSecond;
    const publishes: Promise<unknown>[] = [];
    for (let number = 0; number < warmUp + count; number += 1) {
      publishes.push(client.publishAsync(topicOf(number % 100), Buffer.from(timedPayload()), { qos: 1 }));
      await new Promise((resolve) => setTimeout(resolve, 1_000 / publishesPerSecond));
    }
    await Promise.all(publishes);
    const latencies = await parts.receiver.call('received', warmUp + count);
    return spread(latencies.slice(warmUp));
  });
}

/** Records per second from the rule queue to the target. */
function measureThroughput(
  parts: Parts,
  target: RuleTarget,
  records: number,
  topics: number,
): Promise<number> {
  return withService(parts, target, async (service) => {
    const before = parts.targetQueue.meters('target');
    await sendRecords(service, 100, topics);
    await until(() => delivered(service) >= 100);
    const startedAtMs = performance.now();
    await sendRecords(service, records, topics);
    await until(() => delivered(service) >= records + 100);
    const seconds = (performance.now() - startedAtMs) / 1_000;
    if (target.kind === 'sqs' && parts.targetQueue.meters('target').requests === before.requests)
      throw new Error('nothing has reached the queue');
    return records / seconds;
  });
}

interface Outage {
  readonly records: number;
  readonly parkSeconds: number;
  readonly drainSeconds: number;
}

/** The webhook answers 503 until all records wait in rows. */
function measureOutage(parts: Parts, target: RuleTarget, records: number): Promise<Outage> {
  return withService(parts, target, async (service) => {
    const { context } = service.service;
    await parts.receiver.call('answer', 503);
    let startedAtMs = performance.now();
    await sendRecords(service, records, 1_000);
    await until(() => counted(service, metrics.ruleRecordsParked) >= records);
    const parkSeconds = (performance.now() - startedAtMs) / 1_000;
    await parts.receiver.call('answer', 204);
    startedAtMs = performance.now();
    await wakeRule(context, ruleKey, 'common');
    await parts.receiver.call('received', records);
    return { records, parkSeconds, drainSeconds: (performance.now() - startedAtMs) / 1_000 };
  });
}

const counted = (service: TestService, metric: string): number => service.counters.get(metric) ?? 0;
const delivered = (service: TestService): number => counted(service, metrics.rulesDelivered);

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function latencyTable({ p50, p95, p99 }: Spread): Table {
  return {
    title: `From PUBLISH at QoS 1 to the webhook’s request, ${publishesPerSecond} a second (ms)`,
    columns: ['p50', 'p95', 'p99'],
    rows: [[String(Number(p50.toPrecision(3))), p95, p99]],
  };
}

function outageTable({ records, parkSeconds, drainSeconds }: Outage): Table {
  return {
    title: 'After an outage of the webhook',
    columns: ['records that wait', 's to put them into rows', 's to deliver them', 'records per second'],
    rows: [[records.toLocaleString('en-GB'), parkSeconds, drainSeconds, records / drainSeconds]],
  };
}

function notesOf(waiting: number): string[] {
  return [
    'A record is the payload of 100 bytes. Publishers and records of other rules are absent. What the publish itself costs is that of every message: a rule adds no call, unit or round trip to it except the send to the rule queue, which is in the first table.',
    `First table: per record, from the send to the rule queue to the answer of the target. In tens: ten messages on one topic that are published together. Each call of a function takes ${callMs.aws} ms, a webhook answers after ${callMs.webhook} ms; the function has the memory of function message. An SQS target costs one request for up to ten records, which is included. Without data transfer to the Internet.`,
    'AWS IoT Core: one rule triggered and one action, $0.15 per million of each; unverified. EMQX Serverless: one action, $0.25 per million. Sources of prices: `test/bench/prices.json`.',
    'Latency, throughput and drain: everything on this machine over loopback. The local service with its embedded store and queues is one process, the receiver of webhooks (plain HTTP, 204 at once) another one. The figures contain no latency of AWS. Throughput: records are put into the rule queue, 200 at once, until the target has the last one.',
    'One topic: one message group, so records are delivered one after another, ten in a request to SQS and one in a request to a webhook. In AWS a webhook that answers in 100 ms takes 10 records a second of a topic, and 640 a second of a rule (64 groups), most of them from rows: a tenant whose workers are busy for more than a second has four of them.',
    `Outage: the webhook answers 503, the circuit opens after five attempts, and ${waiting.toLocaleString('en-GB')} records of 1,000 topics go into rows. Then it answers 204 again, and the rule is woken, as by \`wisp rule resume\`: without it the next try comes after at most 15 minutes. One worker drains 64 groups at once. 100,000 records take as long for each, and too long for this page.`,
  ];
}
