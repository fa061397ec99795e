import { metrics } from '../../lib/core/metrics.ts';
import { perOne, startBilledService, type Units } from './billed-service.ts';
import { afterDeadlinesMs, createJumpingClock } from './jumping-clock.ts';
import { openFiles } from './open-files.ts';
import { total, wispUsd } from './prices.ts';
import { startChild } from './process.ts';
import type { Run, SectionResult } from './report.ts';
import { medians } from './statistics.ts';
import type { RoundTimes, Swarm } from './swarm.ts';
import { payloadBytes } from './units/workloads.ts';
import { unlimitedQuotas } from './unlimited.ts';

interface AudienceResult {
  readonly audience: number;
  readonly qos: 0 | 1;
  readonly joinSeconds: number;
  /** Median over all rounds. */
  readonly times: RoundTimes;
  /** Units of one message to all subscribers. */
  readonly units: Units;
}

/** One message to all subscribers of a topic, counted where they receive it. */
export async function measure({ quick, progress }: Run): Promise<SectionResult> {
  const results: AudienceResult[] = [];
  const notes: string[] = [];
  for (const audience of quick ? [10, 500] : [10, 1_000, 10_000]) {
    if (openFiles() < 2 * audience) {
      notes.push(
        `${shown(audience)} subscribers were not measured: the process may open only ${openFiles()} files (\`ulimit -n\`).`,
      );
      continue;
    }
    progress(`${shown(audience)} subscribers`);
    const measured = await measureAudience(audience, quick ? { 0: 3, 1: 1 } : { 0: 10, 1: 3 }, progress);
    results.push(...measured.results);
    notes.push(...measured.failures);
  }
  const title = ({ audience, qos }: AudienceResult): string => `${shown(audience)}, QoS ${qos}`;
  return {
    tables: [
      {
        title: 'One message to all subscribers of a topic',
        columns: [
          'subscribers',
          'first after ms',
          'all after ms',
          'reply after ms',
          'µs per subscriber',
          'posts',
          'messages',
          'Lambda requests',
          'RRU',
          'WRU',
          'SQS requests',
          'dollars per million deliveries',
        ],
        rows: results.map((result) => {
          const { audience, times, units } = result;
          return [
            title(result),
            times.firstMs,
            times.lastMs,
            times.replyMs,
            (times.lastMs * 1000) / audience,
            units.posts,
            units.messagesIn + units.messagesOut,
            total(units.invocations),
            units.readUnits,
            units.writeUnits,
            units.standardRequests + units.fifoRequests,
            (wispUsd({ ...units, connectionMinutes: 0 }) / audience) * 1e6,
          ];
        }),
      },
    ],
    plots: [
      {
        name: 'audience-time',
        title: 'Time until all subscribers have received one message',
        xLabel: 'subscribers',
        yLabel: 'ms, logarithmic',
        yLogarithmic: true,
        kind: 'lines',
        series: ([0, 1] as const).map((qos) => ({
          name: `QoS ${qos}`,
          points: results
            .filter((result) => result.qos === qos)
            .map(({ audience, times }): [number, number] => [audience, times.lastMs]),
        })),
      },
    ],
    notes: [
      `All subscribers are real connections that speak the wire profile, in one process. Gateway emulator, functions and store run in another. Payload: ${payloadBytes} bytes. Times are medians of several messages, each sent after the previous one had reached all subscribers. At QoS 1 the units include every PUBACK.`,
      'Functions and their calls stay on this machine. In AWS a call takes longer and workers run in parallel. The dollars exclude connection time and use the duration of the handlers on this machine.',
      ...notes,
    ],
    data: results,
  };
}

const levels = [0, 1] as const;
const topicOf = (qos: 0 | 1): string => `announcements/${qos}`;

async function measureAudience(
  audience: number,
  rounds: Readonly<Record<0 | 1, number>>,
  progress: (line: string) => void,
): Promise<{ results: AudienceResult[]; failures: string[] }> {
  const clock = createJumpingClock();
  const billed = await startBilledService({ clock });
  const { service } = billed;
  const swarm = startChild<Swarm>('./swarm.ts');
  const results: AudienceResult[] = [];
  const failures: string[] = [];
  try {
    const mint = await service.tenant('bench', { quotas: unlimitedQuotas });
    const common = { url: service.url, username: mint.tenant, password: await mint() };
    const subscribe = levels.map((qos) => ({ topic: topicOf(qos), qos }));
    const { ms } = await swarm.call('join', { ...common, prefix: 's-', count: audience, subscribe });
    await swarm.call('join', { ...common, prefix: 'p-', count: 1 });
    progress(`${shown(audience)} joined in ${(ms / 1000).toFixed(0)} s`);
    await clock.jump(afterDeadlinesMs, () => service.queues.idle());
    for (const qos of levels) {
      progress(`publishing at QoS ${qos}`);
      const round = () =>
        swarm.call('publish', { topic: topicOf(qos), qos, payloadBytes, deliveries: audience });
      try {
        await round();
        const times: RoundTimes[] = [];
        const units = await billed.measure(async () => {
          while (times.length < rounds[qos]) times.push(await round());
        });
        results.push({
          audience,
          qos,
          joinSeconds: ms / 1000,
          times: medians(times, ['firstMs', 'lastMs', 'replyMs']),
          units: perOne(units, rounds[qos]),
        });
      } catch (error) {
        const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
        const failedPosts = service.counters.get(metrics.postsFailed) ?? 0;
        failures.push(
          `${shown(audience)} subscribers at QoS ${qos}: not measured (${reason}). One process runs the gateway, all functions and the store here; ${shown(failedPosts)} posts timed out, and a timed-out post closes its connection.`,
        );
        break;
      }
    }
    return { results, failures };
  } finally {
    await swarm.stop();
    await billed.close();
  }
}

function shown(count: number): string {
  return count.toLocaleString('en-GB');
}
