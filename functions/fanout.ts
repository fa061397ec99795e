import { type SqsRecord, sqsRecords } from '../lib/aws/events.ts';
import { groupOf, sliceFrom } from '../lib/aws/fanout-queue.ts';
import type { FanoutSlice } from '../lib/core/model.ts';
import { type FunctionService, functionService } from './service.ts';

type Work = Omit<SqsRecord, 'body'> & { readonly slice: FanoutSlice };

/** Longest wait before a slice that failed is tried again, in seconds; it doubles with every try up to this. */
const maxRetrySeconds = 60;

type Service = Pick<FunctionService, 'broker' | 'log' | 'flush' | 'returnSlices'>;

/**
 * Fan-out queue: delivers slices to their clients. Groups go side by side, slices of one group in their order; those of a
 * group that have come together for the first time share their posts. The first one of a group that fails, or whose time
 * is over, and all behind it go back to the queue: at once where it is to go on, later with every try where it failed.
 */
export function createFanoutHandler(service: () => Service) {
  return async (event: unknown): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> => {
    const made = service();
    const groups = new Map<string, Work[]>();
    const unknown: string[] = [];
    for (const record of sqsRecords(event)) {
      const slice = known(made, record);
      if (slice === undefined) {
        unknown.push(record.messageId);
        continue;
      }
      const name = groupOf(slice);
      const group = groups.get(name) ?? [];
      group.push({ ...record, slice });
      groups.set(name, group);
    }
    try {
      const left = await Promise.all([...groups.values()].map((group) => workOff(made, group)));
      const failed = [...unknown, ...left.flat().map(({ messageId }) => messageId)];
      return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
    } finally {
      await made.flush();
    }
  };
}

/** A slice that cannot be read keeps no other from being delivered. */
function known({ log }: Service, { body }: SqsRecord): FanoutSlice | undefined {
  try {
    return sliceFrom(body);
  } catch (error) {
    log.error('a slice of a fan-out failed', { error: nameOf(error) });
    return undefined;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}

/** @returns what of the group goes back to the queue. */
async function workOff({ broker, log, returnSlices }: Service, group: readonly Work[]): Promise<Work[]> {
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
      // Should this fail, they come back when their visibility timeout ends.
      await returnSlices(handles, retrySeconds).catch(() => log.warn('slices return late to the queue'));
      return left;
    }
    start += run.length;
  }
  return [];
}

/** Slices that may be worked off together: one that was tried before goes by itself. */
function runFrom(group: readonly Work[], start: number): readonly Work[] {
  const first = group[start];
  if (first === undefined || first.receiveCount > 1) return group.slice(start, start + 1);
  const filters = first.slice.filters.join('\0');
  const end = group.findIndex(
    ({ receiveCount, slice }, index) =>
      index > start && (receiveCount > 1 || slice.filters.join('\0') !== filters),
  );
  return group.slice(start, end === -1 ? undefined : end);
}

export const handler = createFanoutHandler(functionService);
