import { measureCosts } from './costs.ts';
import { type Cost, columns } from './metered.ts';
import type { Run, SectionResult } from './report.ts';

/** What each exchange costs: counts, so they are the same on every machine. */
export async function measure({ progress }: Run): Promise<SectionResult> {
  const costs = await measureCosts(progress);
  const names = Object.keys(columns) as (keyof Cost)[];
  return {
    tables: [
      {
        title: 'Costs of exchanges',
        columns: ['exchange', ...names.map((name) => columns[name])],
        rows: [...costs].map(([exchange, cost]) => [exchange, ...names.map((name) => cost[name])]),
      },
    ],
    plots: [],
    notes: [
      'Counts of the emulators over the whole local service, 100 bytes of payload; tests hold them (`test/broker/cost.test.ts`).',
      'Round trips: calls to DynamoDB and posts that follow one another. SQS: timers that were sent.',
    ],
    data: Object.fromEntries([...costs].map(([exchange, cost]) => [exchange, plain(cost)])),
  };
}

function plain(cost: Cost): Cost {
  const names = Object.keys(columns) as (keyof Cost)[];
  return Object.fromEntries(names.map((name) => [name, cost[name]])) as unknown as Cost;
}
