import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Connection, Message, Qos, Route } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { RetainedScan, Timer } from '../core/timers.ts';
import { messageBytes } from '../core/usage.ts';
import { askForRecount, recountAfterMs } from '../limits/recount.ts';
import { enqueue } from './enqueue.ts';
import { isExpired, postAtMostOnce } from './post.ts';
import { type RetainedMatch, readRetained } from './retained-scan.ts';

/**
 * Bytes of the scans in one timer, as JSON. A message of SQS holds 256 KB; a scan takes at most
 * about 5 KB, where its topic needs escapes.
 */
const maxTimerScanBytes = 100_000;

/** Retained messages that matched the subscriptions of a run, without those left to a timer. */
export interface RetainedSent {
  readonly matched: number;
  /** QoS 1 and 2 messages for which the session's queue had no room. */
  readonly dropped: number;
}

/**
 * Sends the retained messages that match new subscriptions, with RETAIN set. Store the
 * subscriptions before this call: a message published meanwhile may then arrive twice but is never
 * missed.
 *
 * Sends at most `retainedPerRun` messages in `retainedReadsPerRun` reads, plus the last page, and
 * leaves the rest to a timer that is due at once. Before the timer is durable no SUBACK is sent, so
 * after a crash the client subscribes again. A timer that is delivered twice sends its messages
 * twice.
 *
 * QoS 1 and 2 pass through the session's queue, and its bound applies: it limits the cost of a
 * client that subscribes repeatedly and acknowledges nothing. A client acknowledges only after
 * SUBACK, so a full queue stays full during this call, and the remaining messages are dropped
 * without another count.
 * [MQTT-3.3.1-9 v5, MQTT-3.3.1-8 v3]
 */
export async function sendRetained(
  context: Context,
  connection: Connection,
  initial: readonly RetainedScan[],
): Promise<RetainedSent> {
  const { retainedPerRun, retainedReadsPerRun } = context.settings;
  const sent = { matched: 0, dropped: 0 };
  let scans = initial;
  for (let reads = 0; scans.length > 0; reads += 1) {
    if (reads >= retainedReadsPerRun || sent.matched >= retainedPerRun) {
      await scheduleRest(context, connection, scans);
      break;
    }
    const { found, rest } = await readRetained(context, connection.tenant, scans);
    scans = rest;
    const nowMs = context.clock.nowMs();
    const current = found.filter(({ message }) => !isExpired(message, nowMs));
    const dropped = await send(context, connection, current, sent.dropped > 0);
    if (dropped === 'ended') return sent;
    sent.matched += current.length;
    sent.dropped += dropped;
  }
  if (sent.dropped > 0) {
    const { tenant, clientId } = connection;
    context.log.warn('retained messages were dropped: the queue is full', { tenant, clientId, ...sent });
  }
  return sent;
}

async function scheduleRest(
  context: Context,
  { tenant, clientId, address, generation }: Connection,
  scans: readonly RetainedScan[],
): Promise<void> {
  context.log.count(metrics.retainedContinued);
  const parts: RetainedScan[][] = [];
  let room = 0;
  for (const scan of scans) {
    const bytes = Buffer.byteLength(JSON.stringify(scan));
    if (bytes > room) {
      parts.push([]);
      room = maxTimerScanBytes;
    }
    parts.at(-1)?.push(scan);
    room -= bytes;
  }
  const nowMs = context.clock.nowMs();
  for (const part of parts)
    await context.timers.schedule(
      { kind: 'retained', tenant, clientId, address, generation, scans: part },
      nowMs,
    );
}

/**
 * Sends retained messages that {@link sendRetained} left. The chain ends with the connection, with
 * the session, and for each filter with its subscription.
 */
export async function continueRetained(
  context: Context,
  { address, generation, scans }: Extract<Timer, { kind: 'retained' }>,
): Promise<void> {
  const connection = await context.connections.get(address);
  if (connection?.generation !== generation) return;
  const listed = await context.sessionSubscriptions.find(
    connection,
    scans.map(({ filter }) => filter),
  );
  const current = new Set(listed.filter((one) => one.generation === generation).map(({ filter }) => filter));
  await sendRetained(
    context,
    connection,
    scans.filter(({ filter }) => current.has(filter)),
  );
}

/** @returns how many were dropped; `ended` if the session has ended. */
async function send(
  context: Context,
  connection: Connection,
  found: readonly RetainedMatch[],
  isFull: boolean,
): Promise<number | 'ended'> {
  const route: Route = connection;
  const deliveries = found.map(({ message, scan: { qos, subscriptionIdentifier } }) => ({
    message,
    qos: Math.min(message.qos, qos) as Qos,
    retain: true,
    dup: false,
    subscriptionIdentifiers: subscriptionIdentifier === undefined ? [] : [subscriptionIdentifier],
  }));
  const atMostOnce = deliveries.filter((delivery) => delivery.qos === 0);
  const queued = deliveries.flatMap(({ qos, ...delivery }) => (qos === 0 ? [] : [{ ...delivery, qos }]));
  if (atMostOnce.length > 0) await postAtMostOnce(context, connection, route, atMostOnce);
  if (queued.length === 0) return 0;
  if (isFull) {
    context.log.count(metrics.messagesDroppedQueueFull, queued.length);
    return queued.length;
  }
  const stored = await enqueue(context, connection, connection.generation, queued);
  return stored === 'ended' ? stored : queued.length - stored;
}

/**
 * Stores the retained ones of published messages. Call it before matching: a new subscriber, who
 * subscribes before reading retained messages, may then get a message twice but never misses it.
 *
 * Only the last message per topic is stored, with its QoS, 0 included. It replaces the stored one.
 * An empty payload deletes it and is not stored. Messages without RETAIN change nothing. Retained
 * messages belong to no session. [MQTT-3.3.1-5 v3+v5, MQTT-3.3.1-7 v3, MQTT-3.3.1-10 v3,
 * MQTT-3.3.1-11 v3, MQTT-3.3.1-6 v5, MQTT-3.3.1-7 v5, MQTT-3.3.1-12 v3, MQTT-3.3.1-8 v5,
 * MQTT-3.1.2-7 v3]
 */
export async function storeRetained(
  context: Context,
  tenant: TenantId,
  messages: readonly Message[],
): Promise<void> {
  const lastByTopic = new Map(
    messages.filter((message) => message.retain).map((message) => [message.topic, message]),
  );
  await Promise.all([...lastByTopic.values()].map((message) => storeOne(context, tenant, message)));
}

async function storeOne(context: Context, tenant: TenantId, message: Message): Promise<void> {
  const isDeletion = message.payload.length === 0;
  const previous = isDeletion
    ? await context.retained.delete(tenant, message.topic)
    : await context.retained.put(tenant, message);
  context.usage.count(tenant, {
    retainedMessages: (isDeletion ? 0 : 1) - (previous === undefined ? 0 : 1),
    retainedBytes:
      (isDeletion ? 0 : messageBytes(message)) - (previous === undefined ? 0 : messageBytes(previous)),
  });
  // DynamoDB's TTL deletes an expired message without changing the gauges.
  if (message.expiresAtMs !== undefined) await askForRecount(context, tenant, recountAfterMs.routine);
}
