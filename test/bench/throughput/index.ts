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
  /** Metered API Gateway messages per delivered message. Only Wisp has them. */
  readonly gatewayMessages?: number;
}

/** Measures all brokers end to end in one run, with the same clients. */
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
        `${broker.name} was not measured: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}.`,
      );
    }
  }
  return {
    tables: roundTripsMs.flatMap((roundTripMs) =>
      bursts.map((burst) => tableOf(results, roundTripMs, burst)),
    ),
    plots: roundTripsMs.map((roundTripMs) => plotOf(results, roundTripMs)),
    notes: [
      `One publisher and one subscriber, MQTT.js with protocol 3.1.1 (Aedes does not support 5.0), payload of 100 bytes, ${durationMs / 1000} s per case after a warm-up. One at a time: the next message is written when the previous one has arrived and is acknowledged. Bursts: 100 messages are written together, the next 100 when all have arrived and are acknowledged. Latency is from \`publish\` to \`message\`.`,
      'Broker and clients run in separate processes. For 30 ms, a TCP proxy in a third process delays bytes by 15 ms in each direction. Wisp is the whole local service in one process: gateway emulator, functions, embedded store. The figures contain no latency of AWS.',
      'Aedes keeps its state in memory. Mosquitto runs without persistence and without a limit of inflight messages. Neither checks tokens. Wisp stores QoS 1 and 2 messages before it acknowledges them.',
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
    // The just-in-time compilers of both sides need a warm-up.
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
    columns: ['QoS and broker', 'messages/s', 'p50 ms', 'p95 ms', 'p99 ms', 'gateway messages per delivery'],
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
