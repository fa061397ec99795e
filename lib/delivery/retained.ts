import { concurrently } from '../core/concurrently.ts';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey, Message, Qos, Route } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { RetainedScan, Timer } from '../core/timers.ts';
import { messageBytes } from '../core/usage.ts';
import { askForRecount, recountAfterMs } from '../limits/recount.ts';
import { enqueue } from './enqueue.ts';
import { isExpired, postAtMostOnce } from './post.ts';
import { type RetainedMatch, readRetained } from './retained-scan.ts';
import { concurrentWrites, waitForRoom } from './retained-waiting.ts';

/**
 * Bytes of the scans in one timer, as JSON. A message of SQS holds 256 KB; a scan takes at most
 * about 5 KB, where its topic needs escapes.
 */
const maxTimerScanBytes = 100_000;

/** Retained messages sent that count as one packet: about what they cost. */
const messagesPerUnit = 10;
/** What a read of retained messages beyond a run's first counts as: it reads up to 800 messages. */
const unitsPerRead = 80;

/** To whom retained messages are sent: a connection, or a session that is online. */
type Recipient = ClientKey & Route;

/**
 * Sends the retained messages that match new subscriptions, with RETAIN set. Store the
 * subscriptions before this call: a message published meanwhile may then arrive twice but is never
 * missed.
 *
 * Sends at most `retainedPerRun` messages in `retainedReadsPerRun` reads, plus the last page, and
 * leaves the rest: to a timer that is due at once, or, for filters at QoS 1 and 2, in the session
 * until its queue has room ({@link waitForRoom}). Before that is durable no SUBACK is sent, so
 * after a crash the client subscribes again. A timer that is delivered twice sends its messages
 * twice.
 *
 * QoS 1 and 2 pass through the session's queue, and its bound applies: it limits the cost of a
 * client that subscribes repeatedly and acknowledges nothing. When it is full, the filters at QoS 1
 * and 2 wait from the first message that it did not take, with their QoS 0 messages.
 *
 * @returns what this counts as in the packet rates, beyond SUBSCRIBE itself. Messages that a timer
 *   or the queue is left with count as a whole run, so a client that repeats a SUBSCRIBE starts at
 *   most as many chains of timers as its rate has runs.
 * [MQTT-3.3.1-9 v5, MQTT-3.3.1-8 v3]
 */
export async function sendRetained(
  context: Context,
  recipient: Recipient,
  initial: readonly RetainedScan[],
): Promise<number> {
  const { waiting, units } = await sendSome(context, recipient, initial);
  if (waiting !== 'ended' && waiting.length > 0)
    await waitForRoom(context, recipient, recipient.generation, waiting, new Map());
  return units;
}

/**
 * Continues retained messages that have waited for room in the queue. Ends with the session, with
 * each subscription, and when the client is offline: a later connection continues them.
 *
 * A crash before the subscriptions say where they go on delivers the timer again, and its messages
 * are sent twice.
 */
export async function continueWaiting(
  context: Context,
  { tenant, clientId, generation }: Extract<Timer, { kind: 'retained-waiting' }>,
): Promise<void> {
  const key: ClientKey = { tenant, clientId };
  const session = await context.sessions.get(key);
  if (session?.generation !== generation || session.address === undefined) return;
  if (session.retainedBehind === undefined) return;
  const listed = (await context.sessionSubscriptions.list(key)).filter(
    (one) => one.generation === generation && one.retainedFrom !== undefined,
  );
  const scans = listed.map(
    ({ filter, qos = 2, retainedFrom, subscriptionIdentifier }): RetainedScan => ({
      filter,
      qos,
      ...(retainedFrom === undefined ? {} : { from: retainedFrom }),
      ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier }),
    }),
  );
  const { waiting } = await sendSome(context, { ...session, address: session.address }, scans);
  if (waiting === 'ended') return;
  const previous = new Map(scans.map(({ filter, from }) => [filter, from]));
  const left = new Set(waiting.map(({ filter }) => filter));
  const done = scans.filter(({ filter }) => !left.has(filter));
  await concurrently(done, concurrentWrites, ({ filter, from }) =>
    context.sessionSubscriptions.setRetainedFrom(key, { filter, generation }, from),
  );
  if (waiting.length > 0) await waitForRoom(context, key, generation, waiting, previous);
  // A SUBSCRIBE that has left messages meanwhile has set another value.
  else await context.sessions.setRetainedBehind(key, generation, undefined, session.retainedBehind);
}

/**
 * One run: as many retained messages as the run and the queue have room for.
 * @returns the filters at QoS 1 and 2 that are not done, and from where they go on; `ended` if the
 *   session has ended. And what the run counts as in packets.
 */
async function sendSome(
  context: Context,
  recipient: Recipient,
  initial: readonly RetainedScan[],
): Promise<{ readonly waiting: readonly RetainedScan[] | 'ended'; readonly units: number }> {
  const { retainedPerRun, retainedReadsPerRun } = context.settings;
  const waiting: RetainedScan[] = [];
  let scans = initial;
  let matched = 0;
  let reads = 0;
  for (; scans.length > 0; reads += 1) {
    if (reads >= retainedReadsPerRun || matched >= retainedPerRun) {
      const atMostOnce = scans.filter(({ qos }) => qos === 0);
      if (atMostOnce.length > 0) await scheduleRest(context, recipient, atMostOnce);
      return { waiting: [...waiting, ...scans.filter(({ qos }) => qos > 0)], units: retainedPerRun };
    }
    const { found, rest } = await readRetained(context, recipient.tenant, scans);
    const nowMs = context.clock.nowMs();
    const current = found.filter(({ message }) => !isExpired(message, nowMs));
    const unsent = await send(context, recipient, current);
    if (unsent === 'ended') return { waiting: unsent, units: retainedPerRun };
    matched += current.length - unsent.length;
    scans = rest;
    if (unsent.length === 0) continue;
    const stopped = new Map<string, RetainedScan>();
    for (const { scan, message } of unsent)
      if (!stopped.has(scan.filter)) stopped.set(scan.filter, { ...scan, from: message.topic });
    waiting.push(...stopped.values(), ...rest.filter(({ filter, qos }) => qos > 0 && !stopped.has(filter)));
    scans = rest.filter(({ qos }) => qos === 0);
  }
  const done = Math.floor(matched / messagesPerUnit) + Math.max(reads - 1, 0) * unitsPerRead;
  const units = waiting.length > 0 ? retainedPerRun : Math.min(done, retainedPerRun);
  return { waiting, units };
}

async function scheduleRest(
  context: Context,
  { tenant, clientId, address, generation }: Recipient,
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
 * Sends retained messages that {@link sendRetained} left to a timer. The chain ends with the
 * connection, with the session, and for each filter with its subscription, or when a SUBSCRIBE
 * asks for the retained messages again: a client that repeats it has one chain.
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
  const current = new Map(
    listed
      .filter((one) => one.generation === generation)
      .map(({ filter, retainedSinceMs = 0 }) => [filter, retainedSinceMs]),
  );
  const isCurrent = ({ filter, sinceMs = Number.POSITIVE_INFINITY }: RetainedScan): boolean => {
    const latestMs = current.get(filter);
    return latestMs !== undefined && latestMs <= sinceMs;
  };
  await sendRetained(context, connection, scans.filter(isCurrent));
}

/**
 * The queue takes messages from the front until it is full. Those behind, of filters at QoS 1 and
 * 2, are not sent, nor their QoS 0 messages.
 * @returns the messages that were not sent; `ended` if the session has ended.
 */
async function send(
  context: Context,
  recipient: Recipient,
  found: readonly RetainedMatch[],
): Promise<readonly RetainedMatch[] | 'ended'> {
  const queued = found.flatMap((match) => {
    const { qos, ...delivery } = deliveryOf(match);
    return qos === 0 ? [] : [{ match, delivery: { ...delivery, qos } }];
  });
  let unsent: readonly RetainedMatch[] = [];
  if (queued.length > 0) {
    const deliveries = queued.map(({ delivery }) => delivery);
    const stored = await enqueue(context, recipient, recipient.generation, deliveries, { keepsRest: true });
    if (stored === 'ended') return stored;
    const first = queued[stored]?.match;
    if (first !== undefined) unsent = found.slice(found.indexOf(first)).filter(({ scan }) => scan.qos > 0);
  }
  const atMostOnce = found
    .filter((match) => !unsent.includes(match))
    .map(deliveryOf)
    .filter(({ qos }) => qos === 0);
  if (atMostOnce.length > 0) await postAtMostOnce(context, recipient, recipient, atMostOnce);
  return unsent;
}

function deliveryOf({ message, scan: { qos, subscriptionIdentifier } }: RetainedMatch) {
  return {
    message,
    qos: Math.min(message.qos, qos) as Qos,
    retain: true,
    dup: false,
    subscriptionIdentifiers: subscriptionIdentifier === undefined ? [] : [subscriptionIdentifier],
  };
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
