import { defaultSettings } from '../../core/settings.ts';
import { type Credentials, disconnect, openClient, publishPacket, receive, subscribe } from './client.ts';
import { examine, type Finding } from './finding.ts';
import type { Probe } from './probe.ts';

const topic = 'doctor/fan/out/to/a/crowd';

/**
 * Filters with the literal or `+` at each of the six levels: 60 of the 64, because a tenant may
 * have 64 shapes, and other checks need one.
 */
const filters = Array.from({ length: 60 }, (_, bits) =>
  topic
    .split('/')
    .map((level, index) => ((bits >> index) & 1 ? '+' : level))
    .join('/'),
);

/** Quotas that let one client have so many shapes. */
export const fanoutQuotas = { shapesPerClient: filters.length };

/** The fewest clients whose subscriptions are more than a message function serves itself. */
const clientCount = Math.ceil((defaultSettings.inlineAudience + 1) / filters.length);

/** Longest wait for slices. Queues of emulators are polled once a second. */
const sliceMs = 30_000;

/**
 * Sends one message to an audience that is just large enough for the fan-out queue: a handful of
 * clients with 60 overlapping filters each. It costs about 700 write units.
 */
export async function checkFanout(url: string, credentials: Credentials): Promise<Finding> {
  const probes: Probe[] = [];
  try {
    return await examine(
      'fan-out queue',
      'Look at the alarms FanoutBehind and FanoutDead, and into the log group of the fanout function',
      async () => {
        for (let index = 0; index < clientCount; index += 1) {
          const probe = await openClient(url, credentials, `doctor-crowd-${index}`);
          probes.push(probe);
          await subscribe(probe, filters, 0);
        }
        const payload = Buffer.from('to all');
        await probes[0]?.request(publishPacket(topic, payload, 1));
        await Promise.all(probes.map((probe) => receive(probe, topic, payload, sliceMs)));
        // One after another, so that 300 deletions do not come at once.
        for (const probe of probes) await disconnect(probe);
        return `a message to ${clientCount * filters.length} subscriptions reached all ${clientCount} clients`;
      },
    );
  } finally {
    for (const probe of probes) probe.close();
  }
}
