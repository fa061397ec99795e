import { createHash } from 'node:crypto';
import type { Context } from '../core/context.ts';
import type { FanoutSlice, Message, TenantLive } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { shapeOf, topicLimits } from '../topics/index.ts';
import type { QueuedAudience } from './audience.ts';

export interface FanOut extends QueuedAudience {
  readonly topic: string;
  readonly messages: readonly Message[];
  readonly again: ReadonlySet<string>;
}

/**
 * Gives messages on one topic to the fan-out queue: one slice for each of a fixed number of ranges of clients. Resolves
 * when all slices are durable, so the publisher may be acknowledged.
 *
 * The number of slices never changes, since order is kept by the queue for each topic and range. The messages are kept once,
 * in table Messages; slices only name them.
 *
 * Order of the writes: messages and mark, then slices. So whoever finds no mark publishes a message that no slice
 * precedes, and no slice names a message that is not there. A crash before or between slices leaves the publisher
 * without an acknowledgement: at QoS 1 it publishes anew, at QoS 2 the same message makes the same slices, of which the
 * queue and the subscribers' queues take each once.
 */
export async function fanOut(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  { topic, filters, markedUntilMs, messages, again }: FanOut,
): Promise<void> {
  const { sharedMessageSeconds, atMostOnceMessageSeconds, fanoutSlices } = context.settings;
  const keepSeconds = messages.some(({ qos }) => qos > 0) ? sharedMessageSeconds : atMostOnceMessageSeconds;
  await Promise.all([
    context.messages.put(tenant, messages, keepSeconds),
    mark(context, tenant, live, topic, markedUntilMs),
  ]);
  const messageIds = messages.map(({ id }) => id);
  const fanout = {
    tenant,
    topic,
    filters,
    messageIds,
    id: createHash('sha256').update(messageIds.join(' ')).digest('base64url').slice(0, 22),
    again: messageIds.filter((id) => again.has(id)),
    slices: fanoutSlices,
  };
  const slices = Array.from({ length: fanoutSlices }, (_, slice): FanoutSlice => ({ ...fanout, slice }));
  await context.fanout.send(slices);
}

/**
 * Notes with the topic that its messages go through the queue: from now on all of them do, however small the audience
 * becomes, until everything that is in the queue by then has been worked off. The note lies in the partition of the filter
 * that is the topic itself, which the next publisher reads with the audience if the tenant has a filter of that shape;
 * so that it does, the shape is added.
 *
 * Written once per half of its time, not with every message.
 */
async function mark(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  topic: string,
  markedUntilMs: number | undefined,
): Promise<void> {
  const { queuedMarkSeconds, maxShapes } = context.settings;
  const nowMs = context.clock.nowMs();
  if (markedUntilMs !== undefined && markedUntilMs - nowMs > (queuedMarkSeconds * 1000) / 2) return;
  const untilMs = nowMs + queuedMarkSeconds * 1000;
  const shape = shapeOf(topic);
  // The list first: it leads the erasure of the tenant to the mark.
  await context.messages.noteQueuedTopic(tenant, topic, untilMs);
  await Promise.all([
    context.subscriptions.markQueued(tenant, topic, untilMs),
    live.shapes.has(shape)
      ? undefined
      : context.tenants.addShape(tenant, shape, maxShapes + topicLimits.maxLevels),
  ]);
}
