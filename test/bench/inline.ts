import { defaultSettings } from '../../lib/core/settings.ts';
import type { EngineRequestHandler } from '../../lib/local/dynamodb/index.ts';
import { intercept } from '../../lib/local/dynamodb/intercept.ts';
import { startTestService } from '../support/service.ts';
import { startChild } from './process.ts';
import type { Run, SectionResult } from './report.ts';
import { medians } from './statistics.ts';
import type { RoundTimes, Swarm } from './swarm.ts';
import { payloadBytes } from './units/workloads.ts';
import { unlimitedQuotas } from './unlimited.ts';

/** Approximate latencies of calls in AWS, which are added to those of the emulators. */
const delaysMs = { store: 5, post: 15, queue: 10 } as const;
const ways = ['inline', 'by the queue'] as const;
const levels = [0, 1] as const;

interface InlineResult {
  readonly audience: number;
  readonly qos: 0 | 1;
  readonly way: (typeof ways)[number];
  readonly times: RoundTimes;
}

/** Compares inline delivery with the fan-out queue for the same audiences. */
export async function measure({ quick, progress }: Run): Promise<SectionResult> {
  const audiences = quick ? [32, 256] : [32, 64, 128, 256, 512, 1_024];
  const results: InlineResult[] = [];
  for (const way of ways) {
    progress(way);
    results.push(...(await measureWay(way, audiences, quick ? 3 : 9, progress)));
  }
  const of = (audience: number, qos: 0 | 1, way: InlineResult['way']): RoundTimes | undefined =>
    results.find((one) => one.audience === audience && one.qos === qos && one.way === way)?.times;
  return {
    tables: [
      {
        title: 'The same audience served inline by the publisher’s handler, and by the fan-out queue (ms)',
        columns: ['subscribers', ...ways.flatMap((way) => [`all, ${way}`, `reply, ${way}`])],
        rows: levels.flatMap((qos) =>
          audiences.map((audience) => [
            `${audience}, QoS ${qos}`,
            ...ways.flatMap((way) => {
              const times = of(audience, qos, way);
              return [times?.lastMs ?? Number.NaN, times?.replyMs ?? Number.NaN];
            }),
          ]),
        ),
      },
    ],
    plots: [],
    notes: [
      `To approximate AWS, each call to DynamoDB is delayed by ${delaysMs.store} ms, each post by ${delaysMs.post} ms and each send to SQS by ${delaysMs.queue} ms. Medians of ${quick ? 3 : 9} messages.`,
      'Here two workers share one processor with all other parts. In AWS up to 16 workers run in parallel, so delivery by the queue ends sooner than here. The reply to the publisher and the work of its handler are the same.',
      `The limit for inline delivery is ${defaultSettings.inlineAudience} subscriptions (\`inlineAudience\`). Up to there inline delivery is about as fast as the queue, and above it 16 more function calls cost little compared with ${defaultSettings.inlineAudience} posts.`,
    ],
    data: results,
  };
}

async function measureWay(
  way: InlineResult['way'],
  audiences: readonly number[],
  rounds: number,
  progress: (line: string) => void,
): Promise<InlineResult[]> {
  const service = await startTestService({
    settings: {
      ...defaultSettings,
      inlineAudience: way === 'inline' ? 100_000 : 0,
      maxInlineDeliveries: 100_000,
    },
    wrapStore: (handler) =>
      intercept(handler as EngineRequestHandler, { before: () => later(delaysMs.store) }),
    faults: { delayPost: () => delaysMs.post },
    wrapPorts: (ports) => ({
      ...ports,
      fanout: {
        async send(slices) {
          await later(delaysMs.queue);
          await ports.fanout.send(slices);
        },
      },
    }),
  });
  const swarm = startChild<Swarm>('./swarm.ts');
  const results: InlineResult[] = [];
  try {
    const mint = await service.tenant('bench', { quotas: unlimitedQuotas });
    const common = { url: service.url, username: mint.tenant, password: await mint() };
    const subscribe = levels.map((qos) => ({ topic: `to/${qos}`, qos }));
    let joined = 0;
    for (const audience of audiences) {
      const count = audience - joined;
      await swarm.call('join', { ...common, prefix: `s${audience}-`, count, subscribe });
      joined = audience;
      await swarm.call('join', { ...common, prefix: `p${audience}-`, count: 1 });
      for (const qos of levels) {
        progress(`${audience} subscribers, QoS ${qos}`);
        const times: RoundTimes[] = [];
        for (let round = -1; round < rounds; round += 1) {
          const took = await swarm.call('publish', {
            topic: `to/${qos}`,
            qos,
            payloadBytes,
            deliveries: audience,
          });
          await service.queues.idle();
          if (round >= 0) times.push(took);
        }
        results.push({
          audience,
          qos,
          way,
          times: medians(times, ['firstMs', 'lastMs', 'replyMs']),
        });
      }
    }
    return results;
  } finally {
    await swarm.stop();
    await service.close();
  }
}

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
