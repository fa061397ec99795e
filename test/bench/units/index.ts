import { presets } from '../../../cdk/settings.ts';
import { encodePacket } from '../../../lib/mqtt/encode.ts';
import { perOne, startBilledService, type Units } from '../billed-service.ts';
import { afterDeadlinesMs, createJumpingClock } from '../jumping-clock.ts';
import {
  emqxUsd,
  eventGridUsd,
  idleHourUsd,
  iotCoreUsd,
  type PacketsPerDelivery,
  perMillion,
  total,
  usd,
  wispFormula,
  wispUsd,
} from '../prices.ts';
import type { Run, SectionResult } from '../report.ts';
import { unlimitedQuotas } from '../unlimited.ts';
import { connectionHours, measureIdleHour } from './idle-hours.ts';
import { payloadBytes, puback, publishPacket, type Workload, workloads } from './workloads.ts';

/** Latency of a function's call: DynamoDB's "single-digit milliseconds", and a cautious bound. */
const callTimesMs = [5, 30] as const;
type Measured = readonly [typical: Units, cautious: Units];

const million = 1e6;
const keepAlives = [60, 540] as const;

/** Measures billed units of delivered messages and idle hours, and compares prices of services. */
export async function measure({ quick, progress }: Run): Promise<SectionResult> {
  const delivered = new Map<Workload, Measured>();
  for (const workload of workloads) {
    progress(workload.title);
    delivered.set(workload, await measureWorkload(workload, quick));
  }
  const idle = new Map<number, Measured>();
  const measureIdle = async (seconds: number): Promise<void> => {
    progress(idleTitle(seconds));
    const [typicalMs, cautiousMs] = callTimesMs;
    const typical = await measureIdleHour(seconds, typicalMs);
    idle.set(seconds, [typical, await measureIdleHour(seconds, cautiousMs)]);
  };
  if (quick) await Promise.all(keepAlives.map(measureIdle));
  else for (const seconds of keepAlives) await measureIdle(seconds);
  const units = [
    ...[...delivered].map(([{ title }, measured]) => unitRow(title, measured)),
    ...[...idle].map(([seconds, measured]) => unitRow(idleTitle(seconds), measured)),
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
        columns: ['workload', 'Wisp', 'AWS IoT Core', 'EMQX Serverless', 'Azure Event Grid (unverified)'],
        rows: [...idle].map(([seconds, measured]) => {
          const [withoutPings, withPings] = idleHourUsd.eventGrid(seconds);
          return [
            idleTitle(seconds),
            range(measured.map((one) => wispUsd(one) * million)),
            dollars(idleHourUsd.iotCore() * million),
            dollars(idleHourUsd.emqx(seconds) * million),
            range([withoutPings * million, withPings * million]),
          ];
        }),
      },
    ],
    plots: [],
    notes: notes(),
    data: {
      delivered: Object.fromEntries([...delivered].map(([{ title }, measured]) => [title, data(measured)])),
      idle: Object.fromEntries([...idle].map(([seconds, measured]) => [idleTitle(seconds), data(measured)])),
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

function unitRow(title: string, [typical, cautious]: Measured): (string | number)[] {
  return [
    title,
    typical.messagesIn + typical.messagesOut,
    title.startsWith('W5') ? typical.connectionMinutes : '–',
    total(typical.invocations),
    total(typical.billedMs),
    total(cautious.billedMs),
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
    `W5 covers ${connectionHours} hours on a clock that jumps from one event to the next: handshake, CONNECT, one PINGREQ per keep-alive interval, keep-alive and token timers, and the close by API Gateway after ${connectionHours} hours. Here each timer invokes a function; with many connections up to ten timers share one invocation.`,
    `Wisp in dollars per million of each: ${wispFormula}. The two figures are for the two latencies of a call. W1 to W4 exclude connection time, which is in W5.`,
    `AWS IoT Core: (PUBLISH in + PUBLISH out + PUBACK of the subscriber) × ${perMillion('iot_msg')}; idle: 60 minutes × ${perMillion('iot_min')}. EMQX Serverless: GiB in and out × ${usd('emqx_gb')}, with 69 bytes of TCP, IP and TLS per segment; idle: 60 minutes × ${perMillion('emqx_min')} and PINGREQ/PINGRESP traffic. Azure Event Grid: operations × ${perMillion('eg_op')} + fully used throughput units × ${usd('eg_tu_hour')} per hour, each for 1,000 publishes per second or 10,000 sessions. Two figures, because the documentation does not say whether PINGREQ counts. Both prices are unverified.`,
    'Public list prices of us-east-1, with sources and dates in `test/bench/prices.json`: first volume tier, without free tiers, storage, logs and data transfer to the internet.',
  ];
}

const idleTitle = (seconds: number): string => `W5: idle, keep-alive ${seconds} s`;

function dollars(amount: number): string {
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
