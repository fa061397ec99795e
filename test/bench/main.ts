/**
 * `npm run bench`: what exchanges cost in calls, DynamoDB units, round trips and API Gateway messages, over the whole
 * local service. Prints a table and writes bench-results/costs.json.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { measureCosts } from './costs.ts';
import { type Cost, costTable } from './metered.ts';

const directory = 'bench-results';

function plain({ calls, readUnits, writeUnits, roundTrips, timers, messagesIn, messagesOut }: Cost): Cost {
  return { calls, readUnits, writeUnits, roundTrips, timers, messagesIn, messagesOut };
}

const costs = await measureCosts((line) => process.stderr.write(`${line}\n`));
await mkdir(directory, { recursive: true });
const result = {
  measuredAt: new Date().toISOString(),
  node: process.version,
  costs: Object.fromEntries([...costs].map(([name, cost]) => [name, plain(cost)])),
};
await writeFile(`${directory}/costs.json`, `${JSON.stringify(result, null, 2)}\n`);
process.stdout.write(`\n${costTable(costs)}\n\nwritten: ${directory}/costs.json\n`);
