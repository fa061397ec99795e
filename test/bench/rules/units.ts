import type { RuleTargetPort } from '../../../lib/rules/target.ts';
import { perOne, startBilledService, type Units } from '../billed-service.ts';
import { total, usd, wispUsd } from '../prices.ts';
import type { Table } from '../report.ts';
import { benchRecord, storeBenchRule } from './bench-rule.ts';

/** Latency of a call of a function, and of a webhook. */
export const callMs = { aws: 5, webhook: 100 } as const;

interface RuleUnits {
  readonly title: string;
  readonly units: Units;
}

/** What one record costs from the rule queue on: its publish is that of any other message. */
export async function measureUnits(quick: boolean): Promise<RuleUnits[]> {
  const results: RuleUnits[] = [];
  for (const kind of ['sqs', 'webhook'] as const)
    for (const atOnce of [1, 10]) {
      const units = await measureRecords(kind, atOnce, quick ? 5 : 30);
      results.push({
        title: `${kind === 'sqs' ? 'SQS' : 'webhook'}, ${atOnce === 1 ? 'one by one' : 'in tens'}`,
        units,
      });
    }
  return results;
}

async function measureRecords(kind: 'sqs' | 'webhook', atOnce: number, rounds: number): Promise<Units> {
  let requests = 0;
  const target: RuleTargetPort = {
    maxBatch: kind === 'sqs' ? 10 : 1,
    async deliver(_, deliveries) {
      if (kind === 'sqs') requests += 1;
      await new Promise((resolve) => setTimeout(resolve, kind === 'sqs' ? callMs.aws : callMs.webhook));
      return deliveries.map(() => ({ kind: 'delivered' }));
    },
  };
  const billed = await startBilledService({ ruleTargets: { [kind]: target } });
  try {
    const { service } = billed;
    await storeBenchRule(
      service,
      kind === 'sqs'
        ? { kind, queueArn: 'arn:aws:sqs:us-east-1:000000000000:target' }
        : { kind, url: 'https://example.com/' },
    );
    const send = async (): Promise<void> => {
      const records = Array.from({ length: atOnce }, () => benchRecord(service, 1));
      await service.service.context.ruleQueue?.send(records);
      await service.queues.idle();
    };
    for (let round = 0; round < 3; round += 1) await send();
    billed.setCallMs(callMs.aws);
    requests = 0;
    const units = await billed.measure(async () => {
      for (let round = 0; round < rounds; round += 1) await send();
    });
    return perOne({ ...units, standardRequests: units.standardRequests + requests }, atOnce * rounds);
  } finally {
    await billed.close();
  }
}

const million = 1e6;

export function unitsTable(results: readonly RuleUnits[]): Table {
  const others = [
    ((usd('iot_rule') + usd('iot_action')) * million).toFixed(2),
    (usd('emqx_rule') * million).toFixed(2),
  ];
  return {
    title: 'One delivery of a rule',
    columns: [
      'target',
      'SQS FIFO requests',
      'SQS requests',
      'Lambda requests',
      'ms',
      'RRU',
      'WRU',
      '$ per million',
      'AWS IoT Core (unverified)',
      'EMQX Serverless',
    ],
    rows: results.map(({ title, units }) => [
      title,
      units.fifoRequests,
      units.standardRequests,
      total(units.invocations),
      total(units.billedMs),
      units.readUnits,
      units.writeUnits,
      wispUsd(units) * million,
      ...others,
    ]),
  };
}
