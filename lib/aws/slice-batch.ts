import type { FanoutSlice } from '../core/model.ts';
import type { Log } from '../core/ports.ts';
import type { SqsRecord } from './events.ts';
import { groupOf, sliceFrom } from './fanout-queue.ts';
import type { FunctionService } from './function-service.ts';

/** What delivering slices needs of the service. */
export type SliceService = Pick<FunctionService, 'broker' | 'log' | 'returnSlices'>;

type Delivery = Omit<SqsRecord, 'body'> & { readonly slice: FanoutSlice };

/**
 * Longest delay before a failed slice is tried again, in seconds: exponential back-off up to this.
 */
const maxRetrySeconds = 60;

/**
 * Delivers a batch of the fan-out queue to its clients: groups concurrently, the slices of a group
 * in order. Slices of a group that are received for the first time share their posts. If a slice
 * fails, or the invocation runs out of time, this slice and all behind it in its group return to
 * the queue: without delay if unfinished, with exponential back-off if failed.
 * @returns ids of the messages that SQS must keep.
 */
export async function deliverSliceBatch(
  service: SliceService,
  records: readonly SqsRecord[],
): Promise<string[]> {
  const groups = new Map<string, Delivery[]>();
  const unreadable: string[] = [];
  for (const record of records) {
    const slice = readSlice(service.log, record);
    if (slice === undefined) {
      unreadable.push(record.messageId);
      continue;
    }
    const name = groupOf(slice);
    const group = groups.get(name) ?? [];
    group.push({ ...record, slice });
    groups.set(name, group);
  }
  const left = await Promise.all([...groups.values()].map((group) => deliverGroup(service, group)));
  return [...unreadable, ...left.flat().map(({ messageId }) => messageId)];
}

/** An unreadable slice must not keep the others from being delivered. */
function readSlice(log: Log, { body }: SqsRecord): FanoutSlice | undefined {
  try {
    return sliceFrom(body);
  } catch (error) {
    log.error('a slice of a fan-out failed', { error: nameOf(error) });
    return undefined;
  }
}

/** @returns the slices of the group that return to the queue. */
async function deliverGroup(
  { broker, log, returnSlices }: SliceService,
  group: readonly Delivery[],
): Promise<Delivery[]> {
  for (let start = 0; start < group.length; ) {
    const run = runFrom(group, start);
    const [first] = run;
    if (first === undefined) break;
    let retrySeconds: number | undefined;
    try {
      const outcome = await broker.slices(
        run.map(({ slice }) => slice),
        first.receiveCount > 1,
      );
      if (outcome === 'unfinished') retrySeconds = 0;
    } catch (error) {
      log.error('a slice of a fan-out failed', {
        error: nameOf(error),
        tenant: first.slice.tenant,
      });
      retrySeconds = Math.min(maxRetrySeconds, 2 ** (first.receiveCount - 1));
    }
    if (retrySeconds !== undefined) {
      const left = group.slice(start);
      const handles = left.map(({ receiptHandle }) => receiptHandle);
      // If this fails, they return when their visibility timeout ends.
      await returnSlices(handles, retrySeconds).catch(() => log.warn('slices return late to the queue'));
      return left;
    }
    start += run.length;
  }
  return [];
}

/**
 * Slices that may be delivered together: equal filters, first receive. A repeated slice stays
 * alone.
 */
function runFrom(group: readonly Delivery[], start: number): readonly Delivery[] {
  const first = group[start];
  if (first === undefined || first.receiveCount > 1) return group.slice(start, start + 1);
  const filters = first.slice.filters.join('\0');
  const end = group.findIndex(
    ({ receiveCount, slice }, index) =>
      index > start && (receiveCount > 1 || slice.filters.join('\0') !== filters),
  );
  return group.slice(start, end === -1 ? undefined : end);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
