import { reservedConcurrency, routeThrottle } from '../../../cdk/account-quotas.ts';
import { presets } from '../../../cdk/settings.ts';
import { defaultSettings } from '../../../lib/core/settings.ts';
import { perOne, startBilledService, type Units } from '../billed-service.ts';
import { createJumpingClock } from '../jumping-clock.ts';
import { total, wispFormula, wispUsd } from '../prices.ts';
import type { Run, SectionResult } from '../report.ts';
import { unlimitedQuotas } from '../unlimited.ts';
import { type Attack, attacks, settled } from './attacks.ts';

/** Latency of a function's call: DynamoDB's "single-digit milliseconds". */
const callMs = 5;
const hourSeconds = 3_600;
/**
 * DynamoDB's default quota of one table, for reads and for writes, in units per second.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
 */
const tableUnitsPerSecond = 40_000;
/** An account with AWS's default quotas. */
const settings = { ...presets.prod, accountConcurrency: 1_000 };
const region = 'us-east-1';

/** Measures what strangers and clients can cost: units of each attack, dollars at the bounds. */
export async function measure({ quick, progress }: Run): Promise<SectionResult> {
  const measured = new Map<Attack, Units>();
  for (const attack of attacks) {
    progress(attack.title);
    measured.set(attack, await measureAttack(attack, quick ? 1 : 3));
  }
  const rows = [...measured].map(([attack, units]) => ({ attack, units, usd: wispUsd(units) }));
  return {
    tables: [
      {
        title: 'Units of one request: a handshake with what follows it, or a frame',
        columns: [
          'attack',
          'messages',
          'Lambda requests',
          'ms',
          'RRU',
          'WRU',
          'SQS requests',
          'dollars per million',
        ],
        rows: rows.map(({ attack, units, usd }) => [
          titleOf(attack),
          units.messagesIn + units.messagesOut,
          total(units.invocations),
          total(units.billedMs),
          units.readUnits,
          units.writeUnits,
          units.standardRequests + units.fifoRequests,
          usd * 1e6,
        ]),
      },
      {
        title: 'Dollars per hour at most',
        columns: ['attack', 'one client', 'one tenant', 'everybody', 'requests a second', 'bounded by'],
        rows: rows.map(({ attack, units, usd }) => {
          const { perSecond, by } = deploymentBound(attack, units);
          const dollars = (rate: number): number => Math.min(rate, perSecond) * hourSeconds * usd;
          const { client, tenant } = quotaBounds(attack);
          return [
            titleOf(attack),
            client === undefined ? '' : dollars(client),
            tenant === undefined ? '' : dollars(tenant),
            dollars(perSecond),
            perSecond,
            by,
          ];
        }),
      },
    ],
    plots: [],
    notes: [
      `Counted by the emulators of the whole local service; ${callMs} ms for each call to DynamoDB, SQS and \`@connections\`. Timers and the end of the connection are included.`,
      `Dollars: ${wispFormula}; us-east-1, without free tiers, storage, logs and data transfer.`,
      'Everybody: the lowest of the rate of the route in preset `prod` (account with 10,000 requests a second), the concurrency of the message function (378 in an account with 1,000), and 40,000 read and 40,000 write units a second, the default quota of one table.',
      'One tenant, one client: the default quotas of packets per second, and of CONNECTs per minute and client. The attacks themselves were measured without quotas. SUBSCRIBE to # counts as 1,001 packets.',
    ],
    data: rows.map(({ attack: { title, who, route }, units, usd }) => ({ title, who, route, units, usd })),
  };
}

async function measureAttack(attack: Attack, rounds: number): Promise<Units> {
  const clock = createJumpingClock();
  const billed = await startBilledService({ clock });
  try {
    const target = {
      service: billed.service,
      clock,
      mint: await billed.service.tenant('bench', { quotas: unlimitedQuotas }),
    };
    const once = await attack.prepare(target);
    await once();
    await settled(target);
    billed.setCallMs(callMs);
    const units = await billed.measure(async () => {
      for (let round = 0; round < rounds; round += 1) await once();
    });
    billed.setCallMs(0);
    return perOne(units, rounds * attack.requests);
  } finally {
    await billed.close();
  }
}

function titleOf({ who, title }: Attack): string {
  return `${who}: ${title}`;
}

/** Requests per second that the default quotas admit. */
function quotaBounds({ route, packets }: Attack): { readonly client?: number; readonly tenant?: number } {
  if (packets === undefined) return {};
  const { connectsPerMinutePerClient, defaultQuotas } = defaultSettings;
  const tenant = defaultQuotas.packetsPerSecond / packets;
  if (route === '$connect') return { client: connectsPerMinutePerClient / 60, tenant };
  return { client: defaultQuotas.packetsPerSecondPerClient / packets, tenant };
}

/** Requests per second that the deployment admits, and what bounds them. */
function deploymentBound(
  { route }: Attack,
  units: Units,
): { readonly perSecond: number; readonly by: string } {
  const messageSeconds = (units.billedMs.message ?? 0) / 1000;
  const messageConcurrency = reservedConcurrency(settings, 'message') ?? settings.accountConcurrency;
  const bounds = [
    { perSecond: routeThrottle(settings, region, route).rateLimit, by: `route \`${route}\`` },
    { perSecond: messageConcurrency / messageSeconds, by: 'concurrency' },
    { perSecond: tableUnitsPerSecond / units.readUnits, by: 'read units' },
    { perSecond: tableUnitsPerSecond / units.writeUnits, by: 'write units' },
  ];
  return bounds.reduce((lowest, one) => (one.perSecond < lowest.perSecond ? one : lowest));
}
