import type { DeliveryOutcome, RuleDelivery } from '../../rules/target.ts';
import { isOver } from '../../rules/targets/one-by-one.ts';
import { outcomeOfAwsCode, outcomeOfAwsError } from './outcomes.ts';

/** One entry of a batch request, or why a delivery cannot be one. */
export type Prepared<Entry> = { readonly entry: Entry; readonly bytes: number } | DeliveryOutcome;

export interface BatchRequest<Entry> {
  /** Limit of the service for one entry. */
  readonly maxEntryBytes: number;
  /** Limit of the service for all entries of a request together. */
  readonly maxRequestBytes: number;
  prepare(delivery: RuleDelivery, index: number): Prepared<Entry>;
  /** @returns for each entry the error code of the service, or undefined if it was taken. */
  send(entries: readonly Entry[]): Promise<readonly (string | undefined)[]>;
}

interface Slot<Entry> {
  readonly index: number;
  readonly entry: Entry;
  readonly bytes: number;
}

/**
 * Sends deliveries in as few requests as possible, one request after another. An entry that is not
 * taken is to be tried again together with all behind it, taken or not: receivers then have the
 * last records in their order. A crash between two requests repeats them.
 */
export async function inBatches<Entry>(
  deliveries: readonly RuleDelivery[],
  request: BatchRequest<Entry>,
): Promise<DeliveryOutcome[]> {
  const outcomes: (DeliveryOutcome | undefined)[] = [];
  const slots: Slot<Entry>[] = [];
  deliveries.forEach((delivery, index) => {
    const prepared = request.prepare(delivery, index);
    if ('kind' in prepared) outcomes[index] = prepared;
    else if (prepared.bytes > request.maxEntryBytes)
      outcomes[index] = { kind: 'refused', code: 'rule-body-too-large' };
    else slots.push({ index, ...prepared });
  });
  for (const batch of batchesOf(slots, request.maxRequestBytes)) {
    const answers = await outcomesOf(batch, request);
    batch.forEach(({ index }, position) => {
      outcomes[index] = answers[position] ?? { kind: 'retry', code: 'rule-target-unavailable' };
    });
    if (answers.some((answer) => !isOver(answer))) break;
  }
  const firstOpen = outcomes.find((outcome) => outcome !== undefined && !isOver(outcome));
  const openAt = firstOpen === undefined ? deliveries.length : outcomes.indexOf(firstOpen);
  return deliveries.map((_, index) => {
    const outcome = outcomes[index];
    if (outcome?.kind === 'refused') return outcome;
    return index < openAt || firstOpen === undefined ? (outcome ?? { kind: 'delivered' }) : firstOpen;
  });
}

async function outcomesOf<Entry>(
  batch: readonly Slot<Entry>[],
  request: BatchRequest<Entry>,
): Promise<DeliveryOutcome[]> {
  try {
    const codes = await request.send(batch.map(({ entry }) => entry));
    return batch.map((_, index) => {
      const code = codes[index];
      return code === undefined ? { kind: 'delivered' } : outcomeOfAwsCode(code);
    });
  } catch (error) {
    const outcome = outcomeOfAwsError(error);
    if (outcome.kind !== 'refused' || batch.length === 1) return batch.map(() => outcome);
    // One entry may have spoilt the request.
    const alone: DeliveryOutcome[] = [];
    for (const slot of batch) alone.push(...(await outcomesOf([slot], request)));
    return alone;
  }
}

function batchesOf<Entry>(slots: readonly Slot<Entry>[], maxBytes: number): Slot<Entry>[][] {
  const batches: Slot<Entry>[][] = [];
  let bytes = 0;
  for (const slot of slots) {
    const last = batches.at(-1);
    if (last !== undefined && bytes + slot.bytes <= maxBytes) {
      last.push(slot);
      bytes += slot.bytes;
    } else {
      batches.push([slot]);
      bytes = slot.bytes;
    }
  }
  return batches;
}

/** The error codes of a request whose answer names the entries that failed. */
export function failedCodes(
  count: number,
  failed: readonly { readonly Id?: string | undefined; readonly Code?: string | undefined }[] = [],
): (string | undefined)[] {
  const codes = new Map(failed.map(({ Id, Code }) => [Id, Code ?? 'InternalError']));
  return Array.from({ length: count }, (_, index) => codes.get(String(index)));
}
