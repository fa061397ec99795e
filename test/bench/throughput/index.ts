import type { Plot } from '../plot.ts';
import { startChild } from '../process.ts';
import type { Run, SectionResult, Table } from '../report.ts';
import { type Spread, spread } from '../statistics.ts';
import { type BrokerUnderTest, brokers, type RunningBroker } from './brokers.ts';
import type { DelayProcess } from './delay-process.ts';
import type { LoadProcess } from './load-process.ts';

const roundTripsMs = [0, 30] as const;
const levels = [0, 1, 2] as const;
const bursts = [1, 100] as const;

interface CaseResult extends Spread {
  readonly broker: string;
  readonly roundTripMs: number;
  readonly qos: 0 | 1 | 2;
  readonly burst: number;
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** Billed messages of API Gateway for each delivered one; Wisp alone has any. */
  readonly gatewayMessages?: number;
}

/** End to end, the same clients in front of every broker, one broker after another in the same run. */
export async function measure({ quick, progress }: Run): Promise<SectionResult> {
  const durationMs = quick ? 400 : 5_000;
  const { all, missing } = brokers(quick);
  const results: CaseResult[] = [];
  const failures: string[] = [];
  for (const broker of all) {
    progress(broker.name);
    try {
      const running = await broker.start();
      try {
        for (const roundTripMs of roundTripsMs)
          results.push(...(await measureAt(broker, running, roundTripMs, durationMs)));
      } finally {
        await running.stop();
      }
    } catch (error) {
      failures.push(
        `${broker.name} is left out: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}.`,
      );
    }
  }
  return {
    tables: roundTripsMs.flatMap((roundTripMs) =>
      bursts.map((burst) => tableOf(results, roundTripMs, burst)),
    ),
    plots: roundTripsMs.map((roundTripMs) => plotOf(results, roundTripMs)),
    notes: [
      `One publisher and one subscriber, MQTT.js with protocol 3.1.1 (Aedes knows no other), 100 bytes of payload, ${durationMs / 1000} s a case after a warm-up. One at a time: the next message is written when the one before has arrived and is acknowledged; in bursts: 100 are written at once, the next 100 when all have arrived and are acknowledged. Latency is from \`publish\` to \`message\`.`,
      'Broker, clients and, for 30 ms, a TCP proxy that holds bytes for 15 ms in each direction are processes of their own; the proxy is the same for all. Wisp is the whole local service: gateway emulator, functions, embedded store, in one process. Latencies of AWS are not in these figures.',
      'Aedes keeps its state in memory, Mosquitto runs without persistence and without bounds on messages in flight; neither checks tokens. Wisp stores QoS 1 and 2 before it acknowledges.',
      ...missing,
      ...failures,
    ],
    data: results,
  };
}

async function measureAt(
  broker: BrokerUnderTest,
  running: RunningBroker,
  roundTripMs: number,
  durationMs: number,
): Promise<CaseResult[]> {
  const delay = roundTripMs === 0 ? undefined : startChild<DelayProcess>('./throughput/delay-process.ts');
  const load = startChild<LoadProcess>('./throughput/load-process.ts');
  try {
    const { port } = running.listening;
    const reached = (await delay?.call('listen', { port, oneWayMs: roundTripMs / 2 })) ?? port;
    await load.call('connect', {
      transport: broker.transport,
      listening: { ...running.listening, port: reached },
    });
    const warmUpMs = Math.min(2 * durationMs, 5_000);
    // Just-in-time compilation on both sides takes its time.
    for (const qos of levels) await load.call('run', { qos, burst: 10, durationMs: warmUpMs });
    const results: CaseResult[] = [];
    for (const qos of levels)
      for (const burst of bursts) {
        const before = (await running.messages?.()) ?? 0;
        const { messages, elapsedMs, latenciesMs, warmedUp } = await load.call('run', {
          qos,
          burst,
          durationMs,
        });
        const after = await running.messages?.();
        results.push({
          broker: broker.name,
          roundTripMs,
          qos,
          burst,
          messages,
          messagesPerSecond: (messages / elapsedMs) * 1000,
          ...spread(latenciesMs),
          ...(after === undefined ? {} : { gatewayMessages: (after - before) / (messages + warmedUp) }),
        });
      }
    return results;
  } finally {
    await load.stop();
    await delay?.stop();
  }
}

function tableOf(results: readonly CaseResult[], roundTripMs: number, burst: number): Table {
  const shown = results.filter((result) => result.roundTripMs === roundTripMs && result.burst === burst);
  return {
    title: `${roundTripMs} ms round trip, ${burst === 1 ? 'one at a time' : `bursts of ${burst}`}`,
    columns: ['QoS and broker', 'messages/s', 'p50 ms', 'p95 ms', 'p99 ms', 'gateway messages each'],
    rows: levels.flatMap((qos) =>
      shown
        .filter((result) => result.qos === qos)
        .map(({ broker, messagesPerSecond, p50, p95, p99, gatewayMessages }) => [
          `QoS ${qos}: ${broker}`,
          messagesPerSecond,
          p50,
          p95,
          p99,
          gatewayMessages ?? '–',
        ]),
    ),
  };
}

function plotOf(results: readonly CaseResult[], roundTripMs: number): Plot {
  const names = [...new Set(results.map(({ broker }) => broker))];
  const groups = bursts.flatMap((burst) => levels.map((qos) => ({ qos, burst })));
  return {
    name: `throughput-${roundTripMs}ms`,
    title: `Messages per second, ${roundTripMs} ms round trip`,
    xLabel: 'from one publisher to one subscriber',
    yLabel: 'messages/s, logarithmic',
    yLogarithmic: true,
    kind: 'bars',
    groups: groups.map(
      ({ qos, burst }) => `QoS ${qos}\n${burst === 1 ? 'one at a time' : `bursts of ${burst}`}`,
    ),
    series: names.map((name) => ({
      name,
      points: groups.map(({ qos, burst }, group): [number, number] => {
        const found = results.find(
          (result) =>
            result.broker === name &&
            result.roundTripMs === roundTripMs &&
            result.qos === qos &&
            result.burst === burst,
        );
        return [group, found?.messagesPerSecond ?? Number.NaN];
      }),
    })),
  };
}
