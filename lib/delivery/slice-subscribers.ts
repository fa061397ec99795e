import type { Context } from '../core/context.ts';
import type { FanoutSlice, Subscription } from '../core/model.ts';
import type { PlacedSubscription } from '../core/store-ports/subscriptions.ts';
import { compareUtf8 } from '../topics/index.ts';

/** A client and its subscriptions to all filters of a fan-out. */
export interface Subscriber {
  readonly position: string;
  readonly subscriptions: readonly Subscription[];
}

/**
 * The clients of a slice in the order of their positions, each with its subscriptions to all
 * filters. Reads the ranges of all filters page by page and merges them.
 * @param after position to start behind; undefined: the start of the slice.
 */
export async function* subscribersOf(
  context: Context,
  { tenant, filters, slice, slices }: FanoutSlice,
  after: string | undefined,
  consistent: boolean,
): AsyncGenerator<Subscriber> {
  const range = { slice, slices, ...(after === undefined ? {} : { after }) };
  const readers = filters.map((filter) =>
    context.subscriptions.range(tenant, filter, range, consistent)[Symbol.asyncIterator](),
  );
  const heads = await Promise.all(readers.map(nextOf));
  for (;;) {
    const position = first(heads);
    if (position === undefined) return;
    const subscriptions: Subscription[] = [];
    for (const [index, reader] of readers.entries()) {
      const head = heads[index];
      if (head?.position !== position) continue;
      subscriptions.push(head.subscription);
      heads[index] = await nextOf(reader);
    }
    yield { position, subscriptions };
  }
}

async function nextOf(reader: AsyncIterator<PlacedSubscription>): Promise<PlacedSubscription | undefined> {
  const next = await reader.next();
  return next.done === true ? undefined : next.value;
}

function first(heads: readonly (PlacedSubscription | undefined)[]): string | undefined {
  let lowest: string | undefined;
  for (const head of heads) {
    if (head === undefined) continue;
    if (lowest === undefined || compareUtf8(head.position, lowest) < 0) lowest = head.position;
  }
  return lowest;
}

/** Groups values into batches of at most `size`. */
export async function* batchesOf<T>(values: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const value of values) {
    batch.push(value);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
