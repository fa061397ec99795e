import { measureCosts } from './costs.ts';
import { type Cost, columns } from './metered.ts';
import type { Run, SectionResult } from './report.ts';

/** Measures the cost of each exchange in counts that are the same on every machine. */
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
      'Counted by the emulators of the whole local service with a payload of 100 bytes. A test compares the counts (`test/broker/cost.test.ts`).',
      'Round trips: sequential calls to DynamoDB and posts. SQS: timers sent.',
    ],
    data: Object.fromEntries([...costs].map(([exchange, cost]) => [exchange, plain(cost)])),
  };
}

function plain(cost: Cost): Cost {
  const names = Object.keys(columns) as (keyof Cost)[];
  return Object.fromEntries(names.map((name) => [name, cost[name]])) as unknown as Cost;
}
