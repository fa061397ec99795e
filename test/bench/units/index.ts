import { presets } from '../../../cdk/settings.ts';
import { encodePacket } from '../../../lib/mqtt/encode.ts';
import { perOne, startBilledService, sumOf, type Units } from '../billed-service.ts';
import { afterDeadlinesMs, createJumpingClock } from '../jumping-clock.ts';
import {
  accessLogLineBytes,
  accessLogUsd,
  emqxUsd,
  eventGridUsd,
  floorUsd,
  idleHourUsd,
  iotCoreUsd,
  items,
  itemsUsd,
  type PacketsPerDelivery,
  perMillion,
  total,
  usd,
  wispFormula,
  wispUsd,
} from '../prices.ts';
import type { Run, SectionResult, Table } from '../report.ts';
import { unlimitedQuotas } from '../unlimited.ts';
import {
  type Cause,
  causes,
  connectionHours,
  type Fleet,
  measureIdleFleet,
  type UnitsByCause,
} from './idle-fleet.ts';
import { payloadBytes, puback, publishPacket, type Workload, workloads } from './workloads.ts';

/** Latency of a function's call: DynamoDB's "single-digit milliseconds", and a cautious bound. */
const callTimesMs = [5, 30] as const;
type Measured = readonly [typical: Units, cautious: Units];

const million = 1e6;
/** Fleets of idle connections, with the latencies at which they are measured. */
interface IdleWorkload extends Fleet {
  readonly title: string;
  readonly callMs: readonly number[];
}

const plain = { tokenHours: 24, sessionExpirySeconds: 0, callMs: callTimesMs } as const;
/** What other tokens and sessions cost does not depend on the keep-alive. */
const idleWorkloads: readonly IdleWorkload[] = [
  { ...plain, title: idleTitle(60), keepAliveSeconds: 60, connections: 50 },
  { ...plain, title: idleTitle(540), keepAliveSeconds: 540, connections: 100 },
  {
    ...plain,
    title: 'W5: idle, PINGREQ answered by bridge or adapter',
    keepAliveSeconds: 540,
    connections: 100,
    isLocal: true,
    callMs: [callTimesMs[0]],
  },
  {
    ...plain,
    title: `${idleTitle(540)}, tokens of 1 h renewed by AUTH`,
    keepAliveSeconds: 540,
    connections: 50,
    tokenHours: 1,
    callMs: [callTimesMs[0]],
  },
  {
    ...plain,
    title: `${idleTitle(540)}, sessions of 7 days`,
    keepAliveSeconds: 540,
    connections: 50,
    sessionExpirySeconds: 7 * 86_400,
    callMs: [callTimesMs[0]],
  },
];
/** The same units at each latency. */
type MeasuredFleet = readonly UnitsByCause[];

/** Measures billed units of delivered messages and idle hours, and compares prices of services. */
export async function measure({ quick, progress }: Run): Promise<SectionResult> {
  const delivered = new Map<Workload, Measured>();
  for (const workload of workloads) {
    progress(workload.title);
    delivered.set(workload, await measureWorkload(workload, quick));
  }
  const idle = new Map<IdleWorkload, MeasuredFleet>();
  for (const workload of idleWorkloads) {
    progress(workload.title);
    const fleet = quick ? { ...workload, connections: 5 } : workload;
    idle.set(workload, await measureIdleFleet(fleet, workload.callMs));
  }
  const units = [
    ...[...delivered].map(([{ title }, measured]) => unitRow(title, measured)),
    ...[...idle].map(([{ title }, measured]) => unitRow(title, measured.map(sumOfCauses))),
  ];
  return {
    tables: [
      {
        title: 'Metered units: W1 to W4 per delivered message, W5 per connection hour',
        columns: [
          'workload',
          'messages',
          'connection minutes',
          'Lambda requests',
          'ms at 5 ms per call',
          'ms at 30 ms per call',
          'RRU',
          'WRU',
          'SQS requests',
        ],
        rows: units,
      },
      {
        title: 'Dollars per million delivered messages, without connection time',
        columns: ['workload', 'Wisp', 'AWS IoT Core', 'EMQX Serverless', 'Azure Event Grid (unverified)'],
        rows: [...delivered].map(([workload, measured]) => priceRow(workload, measured)),
      },
      {
        title: 'Dollars per million idle connection hours',
        columns: [
          'workload',
          'Wisp',
          'of it the floor',
          'access log, if on',
          'AWS IoT Core',
          'EMQX Serverless',
          'Azure Event Grid (unverified)',
        ],
        rows: [...idle].map(([{ title, keepAliveSeconds }, measured]) => {
          const [withoutPings, withPings] = idleHourUsd.eventGrid(keepAliveSeconds);
          const all = measured.map(sumOfCauses);
          return [
            title,
            range(all.map((one) => wispUsd(one) * million)),
            dollars(floorUsd(keepAliveSeconds, connectionHours) * million),
            range(all.map((one) => accessLogUsd(one) * million)),
            dollars(idleHourUsd.iotCore() * million),
            dollars(idleHourUsd.emqx(keepAliveSeconds) * million),
            range([withoutPings * million, withPings * million]),
          ];
        }),
      },
      ...[...idle].slice(0, 2).map(([{ title }, [typical]]) => breakdown(title, typical)),
    ],
    plots: [],
    notes: notes(),
    data: {
      delivered: Object.fromEntries([...delivered].map(([{ title }, measured]) => [title, data(measured)])),
      idle: Object.fromEntries([...idle].map(([{ title }, measured]) => [title, measured])),
    },
  };
}

async function measureWorkload({ prepare, audience }: Workload, quick: boolean): Promise<Measured> {
  const rounds = audience === 1 ? (quick ? 5 : 100) : quick ? 2 : 10;
  const clock = createJumpingClock();
  const billed = await startBilledService({ clock });
  try {
    const { service } = billed;
    const prepared = await prepare(service, await service.tenant('bench', { quotas: unlimitedQuotas }));
    await clock.jump(afterDeadlinesMs, () => service.queues.idle());
    await prepared.round();
    const measureAt = async (callMs: number): Promise<Units> => {
      billed.setCallMs(callMs);
      const units = await billed.measure(async () => {
        for (let done = 0; done < rounds; done += 1) await prepared.round();
      });
      return perOne(units, rounds * prepared.deliveriesPerRound);
    };
    const measured: Measured = [await measureAt(callTimesMs[0]), await measureAt(callTimesMs[1])];
    billed.setCallMs(0);
    await prepared.close();
    return measured;
  } finally {
    await billed.close();
  }
}

function sumOfCauses(byCause: UnitsByCause): Units {
  return sumOf(causes.map((cause) => byCause[cause]));
}

const causeTitles: Readonly<Record<Cause, string>> = {
  connections: 'handshake, CONNECT, end',
  PINGREQ: 'PINGREQ',
  AUTH: 'AUTH',
  timers: 'timers',
};

/** Dollars per million connection hours by item and by what causes it, at the typical latency. */
function breakdown(title: string, byCause: UnitsByCause | undefined): Table {
  if (byCause === undefined) throw new Error(`${title} was not measured`);
  // Minutes pass whatever happens in them.
  const shown = causes.filter((cause) => wispUsd({ ...byCause[cause], connectionMinutes: 0 }) > 0);
  const all = itemsUsd(sumOfCauses(byCause));
  return {
    title: `${title}: dollars per million connection hours at ${callTimesMs[0]} ms per call`,
    columns: ['item', ...shown.map((cause) => causeTitles[cause]), 'all'],
    rows: [
      ...items.map((item) => [
        item,
        ...shown.map((cause) =>
          item === 'connection minutes' ? '–' : dollars(itemsUsd(byCause[cause])[item] * million),
        ),
        dollars(all[item] * million),
      ]),
    ],
  };
}

function unitRow(title: string, [typical, cautious]: readonly Units[]): (string | number)[] {
  if (typical === undefined) throw new Error(`${title} was not measured`);
  return [
    title,
    typical.messagesIn + typical.messagesOut,
    title.startsWith('W5') ? typical.connectionMinutes : '–',
    total(typical.invocations),
    total(typical.billedMs),
    cautious === undefined ? '–' : total(cautious.billedMs),
    typical.readUnits,
    typical.writeUnits,
    typical.standardRequests + typical.fifoRequests,
  ];
}

function priceRow(workload: Workload, measured: Measured): string[] {
  const packets = packetsOf(workload);
  return [
    workload.title,
    range(measured.map((one) => wispUsd({ ...one, connectionMinutes: 0 }) * million)),
    dollars(iotCoreUsd(packets) * million),
    dollars(emqxUsd(packets) * million),
    dollars(eventGridUsd(packets) * million),
  ];
}

function packetsOf({ qos, burst, audience }: Workload): PacketsPerDelivery {
  return {
    publishesIn: 1 / audience,
    publishesOut: 1,
    acknowledgements: qos,
    publishBytes: encodePacket(publishPacket(qos, 1), 5).length,
    acknowledgementBytes: encodePacket(puback(1), 5).length,
    packetsPerSegment: burst,
  };
}

function notes(): string[] {
  const { message, timer } = presets.prod.memoryMegabytes;
  return [
    `Payload: ${payloadBytes} bytes. Messages are those of API Gateway in both directions, metered per 32 KB, including route responses and posts. Read and write units follow the sizes of the items. SQS requests are metered per 64 KB and include the receive and delete of each invocation, but no empty receives.`,
    `Milliseconds are an estimate: the duration of the handlers on this machine while each of their calls to DynamoDB, SQS and \`@connections\` takes 5 ms, or 30 ms as a cautious bound. Memory as deployed (message ${message} MB, timer ${timer} MB, arm64), no cold starts.`,
    `W5: idle connections of one tenant in their steady state, on a clock that jumps from one event to the next: 50 or 100 connections of all ages, each with one PINGREQ per keep-alive interval. API Gateway closes each after ${connectionHours} hours, and another takes its place. Two hours pass before the two that are measured, so that the timers of earlier connections are counted too. Tokens hold for 24 hours and sessions end with their connection, unless said otherwise. Bridge and adapter with local keep-alive answer PINGREQ and send a heartbeat after nine minutes, whatever the client's keep-alive.`,
    `The floor is what API Gateway bills for an idle connection, and Lambda for its requests: no code can cost less. The access log of API Gateway has about ${accessLogLineBytes} bytes for each frame, handshake and close; logs are ingested at ${usd('cw_logs_gb')} per GB. Functions write their counters (embedded metric format) and lines of level INFO, which are in the price of Wisp.`,
    `Wisp in dollars per million of each: ${wispFormula}. The two figures are for the two latencies of a call. W1 to W4 exclude connection time, which is in W5.`,
    `AWS IoT Core: (PUBLISH in + PUBLISH out + PUBACK of the subscriber) × ${perMillion('iot_msg')}; idle: 60 minutes × ${perMillion('iot_min')}. EMQX Serverless: GiB in and out × ${usd('emqx_gb')}, with 69 bytes of TCP, IP and TLS per segment; idle: 60 minutes × ${perMillion('emqx_min')} and PINGREQ/PINGRESP traffic. Azure Event Grid: operations × ${perMillion('eg_op')} + fully used throughput units × ${usd('eg_tu_hour')} per hour, each for 1,000 publishes per second or 10,000 sessions. Two figures, because the documentation does not say whether PINGREQ counts. Both prices are unverified.`,
    'Public list prices of us-east-1, with sources and dates in `test/bench/prices.json`: first volume tier, without free tiers, storage and data transfer to the internet.',
  ];
}

function idleTitle(seconds: number): string {
  return `W5: idle, keep-alive ${seconds} s`;
}

function dollars(amount: number): string {
  if (amount < 0.005) return '0';
  if (amount >= 1) return amount.toFixed(amount >= 100 ? 0 : 2);
  return amount.toPrecision(3);
}

function range(amounts: readonly number[]): string {
  const shown = [...new Set(amounts.map(dollars))];
  return shown.join(' – ');
}

function data([typical, cautious]: Measured) {
  return {
    at5Ms: { ...typical, usd: wispUsd(typical) },
    at30Ms: { ...cautious, usd: wispUsd(cautious) },
  };
}
