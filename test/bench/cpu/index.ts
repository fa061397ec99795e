import { setTimeout } from 'node:timers/promises';
import type { TenantId } from '../../../lib/auth/index.ts';
import { encodePacket } from '../../../lib/mqtt/encode.ts';
import { encodePackets } from '../../../lib/wire/index.ts';
import { openRaw } from '../../support/raw-client.ts';
import { startTestService } from '../../support/service.ts';
import { connectPacket } from '../metered.ts';
import { startChild } from '../process.ts';
import type { Run, SectionResult, Table } from '../report.ts';
import { publishPacket, topic } from '../units/workloads.ts';
import { unlimitedQuotas } from '../unlimited.ts';
import type { FunctionProcess } from './function-process.ts';

const stallMs = 30_000;

const cases = [
  { title: 'PUBLISH QoS 0, 1 subscriber', qos: 0, burst: 1 },
  { title: '10 × PUBLISH QoS 0 in a frame', qos: 0, burst: 10 },
  { title: 'PUBLISH QoS 1, 1 subscriber', qos: 1, burst: 1 },
] as const;

interface CaseResult {
  readonly title: string;
  readonly calls: readonly string[];
  readonly frameMicroseconds: number;
  readonly messageMicroseconds: number;
  /**
   * Minimum for any implementation. Absent at QoS 1, whose conditional writes cannot be repeated.
   */
  readonly floor?: { readonly total: number; readonly withoutCalls: number };
  readonly shares: readonly (readonly [where: string, share: number])[];
}

/** Compares the CPU time of the warm message function with the minimum for any implementation. */
export async function measure({ quick, progress }: Run): Promise<SectionResult> {
  const service = await startTestService();
  const queues = await service.queues.listen();
  const child = startChild<FunctionProcess>('./cpu/function-process.ts');
  const count = quick ? 100 : 4_000;
  const results: CaseResult[] = [];
  try {
    const mint = await service.tenant('bench', { quotas: unlimitedQuotas });
    await child.call('start', {
      tablesUrl: await service.exposeTables(),
      queuesUrl: queues.url,
      timerQueueUrl: `${queues.url}/000000000000/wisp-timers`,
      lookQueueUrl: `${queues.url}/000000000000/wisp-timers`,
      fanoutQueueUrl: `${queues.url}/000000000000/wisp-fanout.fifo`,
      callbackUrl: service.gateway.callbackUrl,
    });
    const subscriber = await service.connect(mint, { clientId: 'subscriber' });
    const publisher = await openRaw(service.url);
    await publisher.send(await connectPacket(mint, 'publisher', { keepalive: 0 }));
    const session = await service.stores.sessions.get({
      tenant: mint.tenant as TenantId,
      clientId: 'publisher',
    });
    const connectionId = session?.address ?? '';
    let received = 0;
    subscriber.on('message', () => {
      received += 1;
    });
    for (const { title, qos, burst } of cases) {
      progress(title);
      await subscriber.subscribeAsync(topic, { qos });
      /** Fails if the connection has ended: the function then handles no frame to its end. */
      const handling = async <T>(frames: number, work: () => Promise<T>): Promise<T> => {
        const before = received;
        const result = await work();
        // The frames bypass the gateway, so only this keeps the connection alive.
        await publisher.send({ cmd: 'pingreq' });
        await until(() => received - before >= frames * burst, `${title}: messages are missing`);
        return result;
      };
      const packets = Array.from({ length: burst }, (_, index) =>
        encodePacket(publishPacket(qos, index + 1), 5),
      );
      const frame = { connectionId, body: encodePackets(Buffer.concat(packets)), count };
      await handling(count, () => child.call('run', frame));
      const frameMicroseconds = await handling(count, () => child.call('run', frame));
      const shares = await handling(count, () => child.call('profile', frame));
      const calls = await handling(1, () => child.call('record', frame));
      const floor = qos === 0 ? { floor: await handling(0, () => child.call('floor', frame)) } : {};
      const messageMicroseconds = frameMicroseconds / burst;
      results.push({ title, calls, frameMicroseconds, messageMicroseconds, shares, ...floor });
    }
    await publisher.close();
  } finally {
    await child.stop();
    await queues.close();
    await service.close();
  }
  return {
    tables: [totals(results), ...results.slice(0, 1).map(parts)],
    plots: [],
    notes: [
      `The handler runs alone in a process and calls the emulators over HTTP. ${count} frames warm up, ${count} more are measured by process.cpuUsage. Payload: 200 bytes. This machine is not Lambda, where 1,024 MB are 0.58 of a processor.`,
      'Minimum: base64 in both directions, parsing by mqtt-packet, and the same SDK calls in sequence. At QoS 1 there is no minimum, because conditional writes cannot be repeated.',
      'Shares are self time, measured by V8’s sampling profiler in a separate run.',
    ],
    data: results,
  };
}

/** Resolves when `isSo`; posts are on their way for moments. Fails after 30 s. */
async function until(isSo: () => boolean, failure: string): Promise<void> {
  const deadlineMs = performance.now() + stallMs;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(failure);
    await setTimeout(50);
  }
}

function totals(results: readonly CaseResult[]): Table {
  return {
    title: 'Microseconds of CPU',
    columns: [
      'frame',
      'SDK calls',
      'per frame',
      'per message',
      'minimum',
      'of this base64 and parsing',
      'above the minimum',
    ],
    rows: results.map(({ title, calls, frameMicroseconds, messageMicroseconds, floor }) => [
      title,
      calls.length,
      Math.round(frameMicroseconds),
      Math.round(messageMicroseconds),
      floor === undefined ? '–' : Math.round(floor.total),
      floor === undefined ? '–' : floor.withoutCalls,
      floor === undefined ? '–' : Math.round(frameMicroseconds - floor.total),
    ]),
  };
}

function parts({ title, shares, frameMicroseconds }: CaseResult): Table {
  return {
    title: `CPU time by code: ${title}`,
    columns: ['code', 'share', 'µs'],
    rows: shares
      .filter(([, share]) => share >= 0.002)
      .map(([where, share]) => [where, `${(share * 100).toFixed(1)} %`, share * frameMicroseconds]),
  };
}
