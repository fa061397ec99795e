import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey, Message, QueueEntry, Route, Session } from '../core/model.ts';
import {
  numbersPerRow,
  packetIdentifierOf,
  rowIdentifierOf,
  sequencesOf,
} from '../core/packet-identifier.ts';
import { hasEnded, queueBound } from '../core/session-rules.ts';
import { drain } from './drain.ts';
import { deleteEntries, endConnection, ownedOnly, pushEntries } from './entries.ts';
import { isBegun, isOverdue } from './plan.ts';
import { isExpired } from './publish-packet.ts';
import { rowLengthsOf } from './rows.ts';

/** A message for the queue of one session. */
export interface Queueable {
  readonly message: Message;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
  /** The shared subscription through which it comes. */
  readonly share?: string;
  /** Resolves when MessageStore keeps the message for many queues: then the entry need only name it. */
  readonly kept?: Promise<void>;
}

/**
 * Puts messages on a session's queue and, where the session is online, sends them: with an identifier of their own and DUP 0 the
 * first time, and they stay there until they are acknowledged [MQTT-4.3.2-1 v5, MQTT-4.3.2-2 v5, MQTT-4.3.2-3 v5,
 * MQTT-4.3.3-1 v5, MQTT-4.3.3-2 v5, MQTT-4.3.3-3 v5]. What a share has brought to this session is completed here and nowhere
 * else [MQTT-4.8.2-4 v5]. Resolves when they are durable
 * and one attempt to send has been made.
 *
 * Write units for one message of up to 1 KB to an online session: 1 to number it, 1 to store it, 1 when its
 * acknowledgement deletes it. Small messages that are queued together share rows of up to 1 KB and are numbered, stored and,
 * acknowledged in one frame, deleted as one.
 *
 * A crash after numbering leaves a gap in the sequence, which nothing minds. A crash after storing leaves the message
 * in the queue: it goes out when the session resumes. In both cases the publisher has had no acknowledgement and
 * sends again.
 *
 * A large message that goes to several queues is kept once; only the queues of sessions that outlive it hold it themselves.
 *
 * A session may end while its messages are being stored: whoever ends it may have emptied the queue before they were in
 * it. So: write yours, then read theirs; entries that have come too late are deleted again.
 *
 * @returns how many were stored: fewer where the queue is full; `ended` where there is no such session any more.
 */
export async function enqueue(
  context: Context,
  key: ClientKey,
  generation: string,
  queueables: readonly Queueable[],
): Promise<number | 'ended'> {
  const rowLengths = rowLengthsOf(queueables);
  const numbers = rowLengths.length * numbersPerRow;
  const session = await context.sessions.allocate(key, generation, numbers);
  if (!isAlive(context, session, generation)) return 'ended';
  const room = await queueRoom(context, session, queueables.length);
  if (room < queueables.length) context.log.count(metrics.messagesDroppedQueueFull, queueables.length - room);
  const accepted = queueables.slice(0, room);
  if (accepted.length === 0) return 0;

  const sequences = sequencesOf(session.sequence - numbers + 1, rowLengths);
  const pushedTo = session.mode === 'direct' ? session.address : undefined;
  const mayName = session.expirySeconds <= context.settings.sharedMessageMaxExpirySeconds;
  const dropAtMs =
    session.maxQueueSeconds === undefined
      ? undefined
      : context.clock.nowMs() + session.maxQueueSeconds * 1000;
  const entries = accepted.map(({ kept, ...queueable }, index) => ({
    ...entryOf(queueable, generation, sequences[index] ?? 0, pushedTo, dropAtMs),
    ...(mayName && kept !== undefined ? { byReference: true } : {}),
  }));
  if (mayName) await Promise.all(accepted.map(({ kept }) => kept));
  if (pushedTo === undefined) {
    const stored = await storeInOrder(context, key, generation, entries);
    const now = await drain(context, key, { evenIfDirect: true });
    if (isAlive(context, now, generation)) return accepted.length;
    await deleteEntries(context, key, stored);
    return 'ended';
  }
  const stored = await store(context, key, generation, entries);
  const now = await pushDirectly(context, key, { ...session, address: pushedTo }, stored);
  if (isAlive(context, now, generation)) return accepted.length;
  // They have been sent: nobody else is to get them, but what a share has brought goes on as when any session ends.
  if (stored.some(({ share }) => share !== undefined)) await context.sessionEnded(key, generation);
  else await deleteEntries(context, key, stored);
  return accepted.length;
}

function isAlive(context: Context, session: Session | undefined, generation: string): session is Session {
  return session?.generation === generation && !hasEnded(session, context.clock.nowMs());
}

function entryOf(
  queueable: Omit<Queueable, 'kept'>,
  generation: string,
  sequence: number,
  pushedTo: QueueEntry['pushedTo'],
  dropAtMs: number | undefined,
): QueueEntry {
  return {
    ...queueable,
    sequence,
    packetIdentifier: packetIdentifierOf(sequence),
    released: false,
    generation,
    ...(pushedTo === undefined ? {} : { pushedTo }),
    ...(dropAtMs === undefined ? {} : { dropAtMs }),
  };
}

/**
 * How many of `count` new messages the queue takes. Counts the queue only once for as many numbers as messages may wait; a
 * message takes at least one. What has waited too long makes room.
 */
async function queueRoom(context: Context, session: Session, count: number): Promise<number> {
  if (session.sequence <= session.recountAtSequence) return count;
  const bound = queueBound(context.settings, session);
  let queued = await context.queue.count(session, bound);
  if (queued + count > bound) queued -= await dropOutdated(context, session);
  const room = Math.max(0, bound - queued);
  const accepted = Math.min(count, room);
  await context.sessions.setRecount(session, session.generation, session.sequence + room - accepted);
  return accepted;
}

/** Looks at the oldest entry alone first: a queue that is full is asked for each message. @returns how many went. */
async function dropOutdated(context: Context, session: Session): Promise<number> {
  const nowMs = context.clock.nowMs();
  const isOutdated = (entry: QueueEntry): boolean =>
    entry.generation === session.generation &&
    !isBegun(session, entry) &&
    !session.inFlight.has(entry.packetIdentifier) &&
    (isOverdue(entry, nowMs) || isExpired(entry.message, nowMs));
  const { entries } = await context.queue.list(session, session.sequence, 1);
  return entries.some(isOutdated) ? context.queue.deleteWhere(session, isOutdated) : 0;
}

/**
 * Stores entries that a drain is to send, which may see them at any moment: the first row last, the others behind it,
 * so that all of them become visible at once and none is sent before those that precede it.
 */
async function storeInOrder(
  context: Context,
  key: ClientKey,
  generation: string,
  entries: readonly QueueEntry[],
): Promise<QueueEntry[]> {
  const [first] = entries;
  if (first === undefined) return [];
  const isInFirstRow = ({ packetIdentifier }: QueueEntry): boolean =>
    rowIdentifierOf(packetIdentifier) === rowIdentifierOf(first.packetIdentifier);
  const firstRow = entries.filter(isInFirstRow);
  const others = entries.filter((entry) => !isInFirstRow(entry));
  if (others.length === 0) return store(context, key, generation, firstRow);
  const batch = { first: first.sequence, storedAtMs: context.clock.nowMs() };
  const batched = (some: readonly QueueEntry[]) => some.map((entry) => ({ ...entry, batch }));
  const behindFirst = await store(context, key, generation, batched(others));
  return [...(await store(context, key, generation, batched(firstRow))), ...behindFirst];
}

/**
 * Stores entries. A row that is still taken (a message unacknowledged while all other identifiers went round) is
 * left alone and its entries are numbered anew, each for itself: identifiers in use are never given twice [MQTT-2.2.1-4 v5, MQTT-2.3.1-4 v3].
 */
async function store(
  context: Context,
  key: ClientKey,
  generation: string,
  entries: readonly QueueEntry[],
): Promise<QueueEntry[]> {
  const stored: QueueEntry[] = [];
  let pending: readonly QueueEntry[] = entries;
  while (pending.length > 0) {
    const taken = await context.queue.put(key, pending);
    const takenSequences = new Set(taken.map((entry) => entry.sequence));
    stored.push(...pending.filter((entry) => !takenSequences.has(entry.sequence)));
    if (taken.length === 0) break;
    const numbers = taken.length * numbersPerRow;
    const session = await context.sessions.allocate(key, generation, numbers);
    if (session === undefined) break;
    const alone = sequencesOf(
      session.sequence - numbers + 1,
      taken.map(() => 1),
    );
    pending = taken.map((entry, index) => {
      const sequence = alone[index] ?? 0;
      return { ...entry, sequence, packetIdentifier: packetIdentifierOf(sequence) };
    });
  }
  return stored;
}

/**
 * Pushes what this handler has just stored to the connection that was told at numbering. Meanwhile the session may
 * have moved to another connection, whose resumption may have read the queue before these entries were in it. So:
 * write yours, then read theirs. If the session has moved, the drain sees to the entries; it knows by `pushedTo`
 * that the new connection has not got them. Should it move in the very moment in which several entries are being stored,
 * the new connection may get the later of them first; hiding them until all are stored, as {@link storeInOrder} does,
 * would hide them from every resumption that finds the first acknowledged.
 */
async function pushDirectly(
  context: Context,
  key: ClientKey,
  route: Route,
  entries: readonly QueueEntry[],
): Promise<Session | undefined> {
  const owned = await ownedOnly(context, key, route.address, entries);
  const [, now] = await Promise.all([
    owned === undefined
      ? endConnection(context, key, route.address)
      : pushEntries(context, key, route, owned, noneResent),
    context.sessions.get(key),
  ]);
  return now?.address !== undefined && now.address !== route.address && now.generation === route.generation
    ? drain(context, key, { evenIfDirect: true })
    : now;
}

/** What is sent for the first time goes without DUP, and stays in the queue until it is acknowledged [MQTT-4.3.2-1 v3]. */
const noneResent: ReadonlySet<number> = new Set();
