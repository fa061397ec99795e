import type { TenantId } from '../../../lib/auth/index.ts';
import { encodePacket } from '../../../lib/mqtt/encode.ts';
import { encodePackets } from '../../../lib/wire/index.ts';
import { openRaw } from '../../support/raw-client.ts';
import { startTestService } from '../../support/service.ts';
import { connectPacket } from '../metered.ts';
import { startChild } from '../process.ts';
import type { Run, SectionResult, Table } from '../report.ts';
import { publishPacket, topic } from '../units/workloads.ts';
import type { FunctionProcess } from './function-process.ts';

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
  /** Absent at QoS 1: its conditional writes cannot be sent again. */
  readonly floor?: { readonly total: number; readonly withoutCalls: number };
  readonly shares: readonly (readonly [where: string, share: number])[];
}

/** CPU of the message function, warm, against what no implementation could do without. */
export async function measure({ quick, progress }: Run): Promise<SectionResult> {
  const service = await startTestService();
  const queues = await service.queues.listen();
  const child = startChild<FunctionProcess>('./cpu/function-process.ts');
  const count = quick ? 100 : 4_000;
  const results: CaseResult[] = [];
  try {
    const mint = await service.tenant('bench');
    await child.call('start', {
      tablesUrl: await service.exposeTables(),
      queuesUrl: queues.url,
      timerQueueUrl: `${queues.url}/000000000000/wisp-timers`,
      fanoutQueueUrl: `${queues.url}/000000000000/wisp-fanout.fifo`,
      callbackUrl: service.gateway.callbackUrl,
    });
    const subscriber = await service.connect(mint, { clientId: 'subscriber' });
    const publisher = await openRaw(service.url);
    await publisher.send(await connectPacket(mint, 'publisher'));
    const session = await service.stores.sessions.get({
      tenant: mint.tenant as TenantId,
      clientId: 'publisher',
    });
    const connectionId = session?.address ?? '';
    for (const { title, qos, burst } of cases) {
      progress(title);
      await subscriber.subscribeAsync(topic, { qos });
      const packets = Array.from({ length: burst }, (_, index) =>
        encodePacket(publishPacket(qos, index + 1), 5),
      );
      const frame = { connectionId, body: encodePackets(Buffer.concat(packets)), count };
      await child.call('run', frame);
      const frameMicroseconds = await child.call('run', frame);
      const shares = await child.call('profile', frame);
      const calls = await child.call('record', frame);
      const floor = qos === 0 ? { floor: await child.call('floor', frame) } : {};
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
      `The function's handler in a process of its own, over HTTP to the emulators' process, ${count} frames to warm up and ${count} measured by process.cpuUsage; 200 bytes of payload. The processor of this machine, not Lambda's: 1,024 MB there are 0.58 of a processor.`,
      'Floor: base64 both ways, mqtt-packet parsing, and the same SDK calls with the same inputs, one after another. At QoS 1 there is none: conditional writes cannot be sent again.',
      'Shares are self time by V8’s sampling profiler in a run of their own.',
    ],
    data: results,
  };
}

function totals(results: readonly CaseResult[]): Table {
  return {
    title: 'Microseconds of CPU',
    columns: [
      'frame',
      'SDK calls',
      'a frame',
      'a message',
      'floor',
      'of it base64 and parsing',
      'above the floor',
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
    title: `Where it goes: ${title}`,
    columns: ['code', 'share', 'µs'],
    rows: shares
      .filter(([, share]) => share >= 0.002)
      .map(([where, share]) => [where, `${(share * 100).toFixed(1)} %`, share * frameMicroseconds]),
  };
}
