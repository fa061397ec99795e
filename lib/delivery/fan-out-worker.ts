import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { FanoutSlice, Message } from '../core/model.ts';
import type { SliceProgress } from '../core/store-ports/messages.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { noteRefusal } from '../limits/refusals.ts';
import { compareUtf8 } from '../topics/index.ts';
import { type Parcel, Parcels, recipientsOf, sendParcels, withShared } from './parcels.ts';
import { batchesOf, type Subscriber, subscribersOf } from './slice-subscribers.ts';

/** Attempts to serve the clients of a batch. */
const maxRounds = 3;
const basePauseMs = 50;

/**
 * Serves slices of fan-outs. Slices of one topic, filter list and range are served together, so
 * that each client gets their messages in one post. The clients of the range are served in batches,
 * in the order of their positions, each with its subscriptions to all filters merged.
 *
 * One write before each batch records that it has begun and the previous one is done. After a crash
 * the next attempt continues behind the last batch that is done. In the batch that had begun, QoS 2
 * copies are deduplicated by each queue, QoS 1 copies may arrive twice, and QoS 0 copies are not
 * sent again.
 *
 * A client that cannot be served, for example because its row is throttled, is retried after the
 * others of its batch. If it fails again, the slice fails and is retried from this batch on. A
 * client whose session row is unreadable is left out.
 *
 * @param slices not empty; more than one only on their first attempt.
 * @param isRetry whether an earlier attempt may have served part of the slice.
 * @returns `unfinished` if the time limit came first: another call continues where this one
 *   stopped.
 */
export async function deliverSlices(
  context: Context,
  slices: readonly FanoutSlice[],
  isRetry: boolean,
): Promise<'done' | 'unfinished'> {
  const [first] = slices;
  if (first === undefined) return 'done';
  const [messages, progress = {}] = await Promise.all([
    messagesOf(context, first.tenant, slices),
    isRetry ? context.messages.progress(first) : undefined,
  ]);
  if (messages.length === 0) return 'done';
  const again = new Set(slices.flatMap((slice) => slice.again));
  const stopAtMs = context.clock.nowMs() + context.settings.sliceSeconds * 1000;
  let { done } = progress;
  let hasBegun = false;
  const consistent = messages.some(({ qos }) => qos > 0);
  const subscribers = subscribersOf(context, first, done, consistent);
  for await (const batch of batchesOf(subscribers, context.settings.sliceBatchClients)) {
    if (hasBegun && context.clock.nowMs() >= stopAtMs) {
      await note(context, slices, done, latest(progress.begun, done));
      return 'unfinished';
    }
    hasBegun = true;
    const last = batch.at(-1)?.position;
    await note(context, slices, done, latest(progress.begun, last));
    await deliverBatch(context, first, batch, messages, (position) =>
      isAtMost(position, progress.begun) ? undefined : again,
    );
    done = last;
  }
  return 'done';
}

async function note(
  context: Context,
  slices: readonly FanoutSlice[],
  done: string | undefined,
  begun: string | undefined,
): Promise<void> {
  const progress: SliceProgress = {
    ...(done === undefined ? {} : { done }),
    ...(begun === undefined ? {} : { begun }),
  };
  await Promise.all(slices.map((slice) => context.messages.setProgress(slice, progress)));
}

function isAtMost(position: string, bound: string | undefined): boolean {
  return bound !== undefined && compareUtf8(position, bound) <= 0;
}

/** The later of two positions: a batch that an earlier attempt had begun stays begun. */
function latest(one: string | undefined, other: string | undefined): string | undefined {
  return one !== undefined && (other === undefined || isAtMost(other, one)) ? one : other;
}

/**
 * The messages of the slices in their order, without those that the TTL has deleted (QoS 0, a day).
 */
async function messagesOf(
  context: Context,
  tenant: TenantId,
  slices: readonly FanoutSlice[],
): Promise<Message[]> {
  const ids = [...new Set(slices.flatMap(({ messageIds }) => messageIds))];
  const found = await context.messages.get(tenant, ids);
  const messages = ids.map((id) => found.get(id)).filter((message) => message !== undefined);
  const missing = ids.length - messages.length;
  if (missing > 0) {
    context.log.count(metrics.messagesExpired, missing);
    noteRefusal(context, { code: 'message-expired', what: 'delivery', tenant, count: missing });
  }
  return messages;
}

/**
 * @param withoutAtMostOnce ids of messages whose QoS 0 copies the client at a position may have
 *   received and must not receive again; undefined: those of all messages.
 */
async function deliverBatch(
  context: Context,
  { tenant }: FanoutSlice,
  batch: readonly Subscriber[],
  messages: readonly Message[],
  withoutAtMostOnce: (position: string) => ReadonlySet<string> | undefined,
): Promise<void> {
  const parcels = new Parcels(tenant);
  for (const { position, subscriptions } of batch) {
    const without = withoutAtMostOnce(position);
    for (const message of messages)
      for (const recipient of recipientsOf(message, subscriptions))
        if (recipient.qos > 0 || (without !== undefined && !without.has(message.id)))
          parcels.add(recipient, message);
  }
  // The publisher's handler has stored all messages of the fan-out.
  const large = messages.filter((message) => context.messages.isWorthSharing(message));
  const stored = new Map(large.map((message) => [message, Promise.resolve()]));
  let left = parcels.all.map((parcel) => withShared(parcel, stored));
  for (let round = 1; left.length > 0; round += 1) {
    const failed: Parcel[] = [];
    let lastError: unknown;
    await sendParcels(context, tenant, left, {
      failed(parcel, error) {
        lastError = error;
        // QoS 0 copies may have been sent.
        failed.push({ ...parcel, atMostOnce: [], behindQueued: [] });
      },
    });
    if (failed.length > 0 && round === maxRounds) throw lastError;
    if (failed.length > 0) await pause(round);
    left = failed.filter(({ queued }) => queued.length > 0);
  }
}

function pause(round: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * basePauseMs * 2 ** round));
}
