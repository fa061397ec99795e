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
 * Hands messages on one topic to the fan-out queue, as one slice per range of clients. Resolves
 * when all slices are durable, so that the publisher may be acknowledged.
 *
 * The number of slices is fixed, because the queue keeps order per topic and range. The messages
 * are stored once; slices refer to them.
 *
 * Messages and mark are written before the slices. So a publisher that finds no mark has no slice
 * ahead of its message, and no slice refers to a missing message. A crash before or between slices
 * leaves the publisher without an acknowledgement. At QoS 1 it publishes again. At QoS 2 the
 * repeated message makes the same slices, which the queue and the subscribers' queues deduplicate.
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
 * Marks the topic: until the mark ends, all its messages go through the queue, even if the audience
 * becomes small, so that none overtakes a queued one. The mark is stored under the filter that
 * equals the topic. Adding the shape of that filter to the tenant makes every publisher read the
 * mark with the audience, at no extra cost.
 *
 * The mark is renewed once half of its time is over, not with every message.
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
  // The list first: the erasure of the tenant finds the mark through it.
  await context.messages.noteQueuedTopic(tenant, topic, untilMs);
  await Promise.all([
    context.subscriptions.markQueued(tenant, topic, untilMs),
    live.shapes.has(shape) && !live.going.has(shape)
      ? undefined
      : context.tenants.addShape(tenant, shape, maxShapes + topicLimits.maxNameLevels),
  ]);
}
