import { readFileSync } from 'node:fs';
import { accessLogLineBytes, usd } from '../bench/prices.ts';
import { repository } from './pages.ts';

/** Hours and days of an average month. */
const monthHours = 730;
const monthDays = monthHours / 24;

/** What AWS bills for one exchange, as docs/performance.md says, in dollars. */
interface Price {
  readonly usd: number;
  /** With one line of the access log for each Lambda request. */
  readonly accessLogUsd: number;
}

/** Rows of a table in the page, by their first cell; `heading` is the line before the table. */
function readTable(page: string, heading: string): Map<string, Map<string, string>> {
  const text = page.split(`\n${heading}\n`)[1];
  if (text === undefined) throw new Error(`docs/performance.md has no "${heading}"`);
  const lines = text.split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const cells = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('*', '').trim());
  const header = cells(lines[first] ?? '');
  const rows = new Map<string, Map<string, string>>();
  for (const line of lines.slice(first + 2)) {
    if (!line.startsWith('|')) break;
    const row = cells(line);
    rows.set(row[0] ?? '', new Map(row.map((cell, index) => [header[index] ?? '', cell])));
  }
  return rows;
}

function numberIn(rows: Map<string, Map<string, string>>, row: string, column: string): number {
  const text = rows.get(row)?.get(column);
  if (text === undefined) throw new Error(`docs/performance.md has no ${column} of "${row}"`);
  // Of a range the lower figure: that at 5 ms per call.
  const [lower = text] = text.split(' – ');
  const value = lower === '–' ? 0 : Number(lower.replaceAll(',', ''));
  if (Number.isNaN(value)) throw new Error(`${column} of "${row}" is no number: ${text}`);
  return value;
}

function performancePage() {
  const page = readFileSync(`${repository}/docs/performance.md`, 'utf8');
  const units = readTable(page, '**Metered units: W1 to W4 per delivered message, W5 per connection hour**');
  const idle = readTable(page, '**Dollars per million idle connection hours**');
  const of = (row: string, column: string): number => numberIn(units, row, column);
  /** Memory of the message function, the largest: cautious for the others. */
  const lambdaTime = (row: string): number =>
    (of(row, 'ms at 5 ms per call') / 1_000) * usd('lambda_gbs_arm');
  const logLine = (accessLogLineBytes / 1e9) * usd('cw_logs_gb');
  return {
    exchange(row: string): Price {
      const requests = of(row, 'Lambda requests');
      const dollars =
        of(row, 'messages') * usd('apigw_ws_msg') +
        requests * usd('lambda_req') +
        lambdaTime(row) +
        of(row, 'RRU') * usd('ddb_rru') +
        of(row, 'WRU') * usd('ddb_wru') +
        of(row, 'SQS requests') * usd('sqs_std');
      return { usd: dollars, accessLogUsd: requests * logLine };
    },
    /** An hour of an idle connection among others of its tenant. */
    idleHour(): Price {
      const row = 'W5: idle, keep-alive 540 s';
      return {
        usd: numberIn(idle, row, 'Wisp') / 1e6,
        accessLogUsd: numberIn(idle, row, 'access log, if on') / 1e6,
      };
    },
  };
}

/** Alarm metrics of preset `prod`; test/cdk/first-deployment.test.ts counts them. */
const alarmMetrics = 29;

/** Lambda polls each queue with five long polls of 20 seconds. */
const pollsPerMonth = (5 * monthHours * 3_600) / 20;
const emptyPollsUsd = pollsPerMonth * (2 * usd('sqs_std') + usd('sqs_fifo'));

interface Fleet {
  readonly name: string;
  readonly connectionHours: number;
  readonly messages: number;
  /** Row of docs/performance.md with the price of one message. */
  readonly row: string;
}

const fleets: readonly Fleet[] = [
  {
    name: '100 sensors, each with a message of QoS 1 a minute to one subscriber',
    connectionHours: 100 * monthHours,
    messages: 100 * monthHours * 60,
    row: 'W2: 1 → 1, QoS 1',
  },
  {
    name: 'the same at QoS 0 in one-way frames',
    connectionHours: 100 * monthHours,
    messages: 100 * monthHours * 60,
    row: 'W1 in one-way frames',
  },
  {
    name: '2,000 browsers for 8 h on 22 days, a message of QoS 0 to all of them every 10 s',
    connectionHours: 2_000 * 8 * 22,
    messages: 2_000 * 8 * 22 * 360,
    row: 'W3: 1 → 1,000, QoS 0',
  },
  {
    name: '20,000 mostly idle devices through the bridge, 10 commands of QoS 1 a day each',
    connectionHours: 20_000 * monthHours,
    messages: 20_000 * 10 * monthDays,
    row: 'W2: 1 → 1, QoS 1',
  },
];

const dollars = (amount: number): string =>
  amount < 10 ? amount.toFixed(2) : Math.round(amount).toLocaleString('en-US');

const millions = (count: number): string => (count / 1e6).toFixed(count < 1e6 ? 2 : 1);

/** The tables of bills in docs/first-deployment.md. */
export function billsMarkdown(): string {
  const { exchange, idleHour } = performancePage();
  const hour = idleHour();
  const rows = fleets.map(({ name, connectionHours, messages, row }) => {
    const message = exchange(row);
    const connected = connectionHours * hour.usd;
    const delivered = messages * message.usd;
    const logged = connectionHours * hour.accessLogUsd + messages * message.accessLogUsd;
    const columns = [
      name,
      millions(connectionHours),
      millions(messages),
      dollars(connected),
      dollars(delivered),
      dollars(connected + delivered),
      dollars(logged),
    ];
    return `| ${columns.join(' | ')} |`;
  });
  return [
    '| idle stack | dollars a month |',
    '| --- | ---: |',
    `| empty polls of its three queues | ${emptyPollsUsd.toFixed(2)} |`,
    `| alarms of \`prod\`, ${alarmMetrics} metrics | ${(alarmMetrics * usd('cw_alarm')).toFixed(2)} |`,
    `| **\`dev\`** | **${emptyPollsUsd.toFixed(2)}** |`,
    `| **\`prod\`** | **${(emptyPollsUsd + alarmMetrics * usd('cw_alarm')).toFixed(2)}** |`,
    '',
    '| fleet | million connection hours | million deliveries | connections, $ | messages, $ | **together, $ a month** | access log, $ |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
  ].join('\n');
}
