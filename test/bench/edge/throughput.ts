import { built } from '../built.ts';
import { startChild } from '../process.ts';
import type { Run, Table } from '../report.ts';
import { brokers } from '../throughput/brokers.ts';
import type { Listening } from '../throughput/listening.ts';
import type { EdgeProcess } from './edge-process.ts';
import type { RawLoad } from './raw-load.ts';

/** What a broker under load offers. */
interface Running {
  readonly listening: Listening;
  /** CPU time of its process so far, where it can be told. */
  cpuMicroseconds?(): Promise<number>;
  stop(): Promise<void>;
}

interface Contender {
  readonly name: string;
  readonly transport: 'tcp' | 'ws';
  start(): Promise<Running>;
}

const shapes = [
  { title: '10 publishers to 10 subscribers', publishers: 10, subscribers: 1, shared: false },
  { title: '1 publisher to 50 subscribers', publishers: 1, subscribers: 50, shared: false },
  { title: '1 publisher to a shared group of 5', publishers: 1, subscribers: 5, shared: true },
] as const;
const levels = [0, 1, 2] as const;
/** Most time for a case, its warm-up included: one that hangs must not hold up the run. */
const caseLimitMs = 30_000;

export interface ThroughputCase {
  readonly shape: string;
  readonly qos: 0 | 1 | 2;
  readonly broker: string;
  readonly messagesPerSecond: number;
  /** CPU of the broker's process for each delivered message, in microseconds. */
  readonly cpuMicroseconds?: number;
}

function edge(transport: 'tcp' | 'ws'): Contender {
  return {
    name: `Wisp edge, ${transport === 'ws' ? 'WebSocket' : 'TCP'}`,
    transport,
    async start() {
      const child = startChild<EdgeProcess>(built('./edge/edge-process.ts'));
      return {
        listening: await child.call('start', { transport }),
        cpuMicroseconds: () => child.call('cpuMicroseconds', undefined),
        stop: () => child.stop(),
      };
    },
  };
}

/** Measures the edge beside other brokers, in one run and with the same clients. */
export async function measureThroughput({ quick, progress }: Run): Promise<{
  readonly tables: Table[];
  readonly cases: ThroughputCase[];
  readonly notes: string[];
}> {
  const { all, missing } = brokers(false);
  const others = all.filter(({ transport }) => transport !== 'adapter') as unknown as Contender[];
  const durationMs = quick ? 500 : 1_500;
  const cases: ThroughputCase[] = [];
  const notes = [...missing, 'Aedes has no shared subscriptions.'];
  for (const contender of [edge('tcp'), edge('ws'), ...others]) {
    progress(contender.name);
    for (const shape of shapes)
      for (const qos of levels) {
        if (shape.shared && contender.name.startsWith('Aedes')) continue;
        try {
          cases.push(await measureCase(contender, shape, qos, durationMs));
        } catch (error) {
          const problem = error instanceof Error ? error.message.split('\n')[0] : String(error);
          notes.push(`${contender.name}, ${shape.title}, QoS ${qos} was not measured: ${problem}.`);
        }
      }
  }
  return { cases, notes, tables: shapes.map(({ title }) => tableOf(title, cases)) };
}

async function measureCase(
  contender: Contender,
  shape: (typeof shapes)[number],
  qos: 0 | 1 | 2,
  durationMs: number,
): Promise<ThroughputCase> {
  // Both processes load their modules at the same time.
  const load = startChild<RawLoad>('./edge/raw-load.ts');
  let running: Running | undefined;
  // Ends the calls that wait for it.
  const timer = setTimeout(() => void load.stop(), caseLimitMs);
  try {
    running = await contender.start();
    const { transport } = contender;
    const plan = { ...shape, transport, listening: running.listening, qos, durationMs };
    await load.call('start', { ...plan, warmUpMs: durationMs });
    const before = await running.cpuMicroseconds?.();
    const { delivered, elapsedMs } = await load.call('measure', { durationMs });
    const after = await running.cpuMicroseconds?.();
    await load.call('end', undefined);
    if (delivered === 0) throw new Error('no message arrived');
    return {
      shape: shape.title,
      qos,
      broker: contender.name,
      messagesPerSecond: (delivered / elapsedMs) * 1000,
      ...(before === undefined || after === undefined
        ? {}
        : { cpuMicroseconds: (after - before) / delivered }),
    };
  } finally {
    clearTimeout(timer);
    await load.stop();
    await running?.stop();
  }
}

function tableOf(title: string, cases: readonly ThroughputCase[]): Table {
  const shown = cases.filter(({ shape }) => shape === title);
  const names = [...new Set(shown.map(({ broker }) => broker))];
  const cell = (broker: string, qos: number, field: 'messagesPerSecond' | 'cpuMicroseconds') =>
    shown.find((one) => one.broker === broker && one.qos === qos)?.[field] ?? '–';
  return {
    title,
    columns: ['broker', ...levels.map((qos) => `QoS ${qos}, delivered/s`), 'CPU µs at QoS 0', 'at QoS 1'],
    rows: names.map((name) => [
      name,
      ...levels.map((qos) => cell(name, qos, 'messagesPerSecond')),
      cell(name, 0, 'cpuMicroseconds'),
      cell(name, 1, 'cpuMicroseconds'),
    ]),
  };
}
