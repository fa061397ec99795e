import type { TenantId } from '../../lib/auth/index.ts';
import type { Subscription } from '../../lib/core/model.ts';
import type { EngineRequestHandler } from '../../lib/local/dynamodb/index.ts';
import type { Packet } from '../../lib/mqtt/types.ts';
import { writeSubscriptions } from './bulk-rows.ts';
import { type Metered, publish, startMetered } from './metered.ts';
import type { Run, SectionResult } from './report.ts';
import { type Spread, spread } from './statistics.ts';

/**
 * Filters of device `id`, in equal numbers: a literal, wildcards of eight shapes, and a shared one.
 */
const kinds: readonly ((id: string) => { filter: string; shareName?: string })[] = [
  (id) => ({ filter: `devices/${id}/state` }),
  (id) => ({ filter: `devices/${id}/#` }),
  (id) => ({ filter: `devices/${id}/+` }),
  (id) => ({ filter: `+/${id}/state` }),
  (id) => ({ filter: `+/${id}/#` }),
  (id) => ({ filter: `+/${id}/+` }),
  (id) => ({ filter: `+/+/state/${id}` }),
  (id) => ({ filter: `devices/+/state/${id}` }),
  (id) => ({ filter: `devices/+/${id}/#` }),
  (id) => ({ filter: `devices/${id}/state`, shareName: 'workers' }),
];

interface SizeResult {
  readonly subscriptions: number;
  readonly shapes: number;
  readonly results: readonly {
    readonly qos: 0 | 1;
    readonly calls: number;
    readonly readUnits: number;
    readonly writeUnits: number;
    readonly roundTrips: number;
    readonly latencyMs: Spread;
  }[];
}

/** Measures a publish to the same single client in tenants of growing size. */
export async function measure({ quick, progress }: Run): Promise<SectionResult> {
  const sizes = quick ? [100, 10_000] : [100, 10_000, 100_000, 1_000_000];
  const sizeResults: SizeResult[] = [];
  for (const size of sizes) sizeResults.push(await measureSize(size, quick ? 100 : 1_000, progress));
  return {
    tables: ([0, 1] as const).map((qos) => ({
      title: qos === 0 ? 'One PUBLISH at QoS 0' : 'One PUBLISH at QoS 1, with its PUBACK',
      columns: ['subscriptions', 'shapes', 'store calls', 'RRU', 'WRU', 'round trips', 'p50 ms', 'p99 ms'],
      rows: sizeResults.flatMap(({ subscriptions, shapes, results }) =>
        results
          .filter((result) => result.qos === qos)
          .map(({ calls, readUnits, writeUnits, roundTrips, latencyMs }) => [
            subscriptions.toLocaleString('en-GB'),
            shapes,
            calls,
            readUnits,
            writeUnits,
            roundTrips,
            latencyMs.p50,
            latencyMs.p99,
          ]),
      ),
    })),
    plots: [
      {
        name: 'subscriptions-units',
        title: 'Cost of one PUBLISH, by the number of subscriptions in the tenant',
        xLabel: 'subscriptions in the tenant',
        yLabel: 'per publish',
        kind: 'lines',
        series: ([0, 1] as const).flatMap((qos) => [
          { name: `store calls, QoS ${qos}`, points: points(sizeResults, qos, ({ calls }) => calls) },
          { name: `read units, QoS ${qos}`, points: points(sizeResults, qos, ({ readUnits }) => readUnits) },
        ]),
      },
      {
        name: 'subscriptions-latency',
        title: 'Latency of one PUBLISH to its reply, by the number of subscriptions in the tenant',
        xLabel: 'subscriptions in the tenant',
        yLabel: 'ms',
        kind: 'lines',
        series: ([0, 1] as const).flatMap((qos) => [
          { name: `p50, QoS ${qos}`, points: points(sizeResults, qos, ({ latencyMs }) => latencyMs.p50) },
          { name: `p99, QoS ${qos}`, points: points(sizeResults, qos, ({ latencyMs }) => latencyMs.p99) },
        ]),
      },
    ],
    notes: [
      'Subscriptions are literal filters, wildcards of eight shapes and shared filters in equal numbers, each of a different client. Their rows are written directly to the embedded engine. One connected client subscribes to the published topics with literal filters; each publish looks up every shape of fitting length.',
      'Latency is the time from sending the frame to its reply. Gateway emulator, function and store run in one process, in memory.',
    ],
    data: sizeResults,
  };
}

const watchedDevices = 20;
const watched = (index: number): string => `devices/watched-${index % watchedDevices}/state`;

async function measureSize(
  size: number,
  publishes: number,
  progress: (line: string) => void,
): Promise<SizeResult> {
  progress(`${size.toLocaleString('en-GB')} subscriptions: writing`);
  let engine: EngineRequestHandler | undefined;
  const metered = await startMetered({}, (handler) => {
    engine = handler;
  });
  try {
    const mint = await metered.service.tenant('bench');
    const tenant = mint.tenant as TenantId;
    const subscriber = await metered.connect(mint, 'subscriber');
    const subscribe = (messageId: number, ...topics: string[]): Packet => ({
      cmd: 'subscribe',
      messageId,
      subscriptions: topics.map((topic) => ({ topic, qos: 1 })),
    });
    // Subscribed through the broker, so that the tenant's row lists every shape.
    await subscriber.send(subscribe(1, ...kinds.map((kind) => topicFilter(kind('of-the-subscriber')))));
    await subscriber.send(
      subscribe(2, ...Array.from({ length: watchedDevices }, (_, index) => watched(index))),
    );
    if (engine === undefined) throw new Error('the service has no store');
    await writeSubscriptions(engine, tenant, rows(size, progress));
    const live = await metered.service.stores.tenants.readLive(tenant, true);
    progress(`${size.toLocaleString('en-GB')} subscriptions: measuring`);
    const publisher = await metered.connect(mint, 'publisher');
    const results = [];
    for (const qos of [0, 1] as const) {
      const one = async (index: number): Promise<number> => {
        const packet = publish(watched(index), qos, qos === 0 ? undefined : (index % 65_000) + 1);
        const startedAtMs = performance.now();
        await publisher.send(packet);
        const elapsedMs = performance.now() - startedAtMs;
        const pushed = await subscriber.take(1);
        if (qos === 1)
          await subscriber.send(
            ...pushed.map(
              ({ messageId }): Packet => ({ cmd: 'puback', messageId: Number(messageId), reasonCode: 0 }),
            ),
          );
        return elapsedMs;
      };
      for (let index = 0; index < publishes; index += 1) await one(index);
      const latencies: number[] = [];
      for (let index = 0; index < publishes; index += 1) latencies.push(await one(index));
      results.push({ qos, ...(await costOf(metered, () => one(0))), latencyMs: spread(latencies) });
    }
    return { subscriptions: size, shapes: live?.shapes.size ?? 0, results };
  } finally {
    await metered.close();
  }
}

/** Rounds of which the median is taken, because one message in a hundred also writes usage. */
const costRounds = 5;
async function costOf(metered: Metered, work: () => Promise<unknown>) {
  const costs = [];
  while (costs.length < costRounds) {
    const { calls, readUnits, writeUnits, roundTrips } = await metered.measure(work);
    costs.push({ calls, readUnits, writeUnits, roundTrips });
  }
  costs.sort((one, other) => one.calls - other.calls);
  return costs[Math.floor(costRounds / 2)] ?? { calls: 0, readUnits: 0, writeUnits: 0, roundTrips: 0 };
}

function* rows(size: number, progress: (line: string) => void): Generator<Subscription> {
  for (let index = 0; index < size; index += 1) {
    if (index > 0 && index % 100_000 === 0) progress(`  ${index.toLocaleString('en-GB')} written`);
    const kind = kinds[index % kinds.length] ?? (() => ({ filter: '' }));
    const id = `d${Math.floor(index / kinds.length)}`;
    yield {
      ...kind(id),
      clientId: `client-${index}`,
      generation: 'G0000000000000=',
      qos: 1,
      noLocal: false,
      retainAsPublished: false,
    };
  }
}

function topicFilter({ filter, shareName }: { filter: string; shareName?: string }): string {
  return shareName === undefined ? filter : `$share/${shareName}/${filter}`;
}

function points(
  sizes: readonly SizeResult[],
  qos: 0 | 1,
  value: (result: SizeResult['results'][number]) => number,
): [number, number][] {
  return sizes.flatMap(({ subscriptions, results }) =>
    results
      .filter((result) => result.qos === qos)
      .map((result): [number, number] => [subscriptions, value(result)]),
  );
}
