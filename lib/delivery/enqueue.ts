import type { Context } from '../core/context.ts';
import type { ClientKey, Message, QueueEntry, Route, Session } from '../core/model.ts';
import { hasEnded, packetIdentifierOf, queueBound } from '../core/session-rules.ts';
import { drain } from './drain.ts';
import { isBegun } from './drain-round.ts';
import { noteDropped } from './dropped.ts';
import { isOverdue, noteOutdated } from './outdated.ts';
import { isExpired } from './post.ts';
import { deleteEntries, forceReconnect, ownedOnly, pushEntries } from './queue-entries.ts';

/** A message for the queue of one session. */
export interface Queueable {
  readonly message: Message;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
  /** Id of the share through which it comes. */
  readonly share?: string;
  /** Set if MessageStore stores the message once for several queues; resolves when it has. */
  readonly storedOnce?: Promise<void>;
}

interface EnqueueOptions {
  readonly keepsRest?: boolean;
  readonly onStored?: (entries: readonly QueueEntry[]) => void;
}

/**
 * Queues messages for a session and, if it is online, sends them. Resolves when they are durable
 * and one attempt to send has been made. The entries stay until they are acknowledged. A shared
 * message is completed with this session only.
 *
 * Write units for one message of up to 1 KB to an online session: 1 to number it, 1 to store it, 1
 * to delete it on its acknowledgement. Small messages that are queued together share these writes.
 * A large message for several queues is stored once; only queues of sessions that may outlive it
 * hold a copy.
 *
 * A crash after numbering leaves a gap in the sequence, which is harmless. A crash after storing
 * leaves the entries in the queue: they are sent when the session resumes. In both cases the
 * publisher has no acknowledgement and sends again.
 *
 * The session may end meanwhile, and the sweep of its queue may miss these entries. So the session
 * is read after the write, and entries of an ended session are deleted.
 * [MQTT-4.3.2-1 v3+v5, MQTT-4.3.2-2 v5, MQTT-4.3.2-3 v5, MQTT-4.3.3-1 v5, MQTT-4.3.3-2 v5,
 * MQTT-4.3.3-3 v5, MQTT-4.8.2-4 v5]
 *
 * @param options.keepsRest what the queue has no room for is not lost: the caller comes again.
 * @param options.onStored gets the entries when they are stored, before they are sent.
 * @returns how many were stored, fewer if the queue is full; `ended` if the session has ended.
 */
export async function enqueue(
  context: Context,
  key: ClientKey,
  generation: string,
  queueables: readonly Queueable[],
  options: EnqueueOptions = {},
): Promise<number | 'ended'> {
  const numbering = context.queue.numberTogether(queueables);
  const session = await context.sessions.allocate(key, generation, numbering.numbers);
  if (!isAlive(context, session, generation)) return 'ended';
  const room = await queueRoom(context, session, queueables.length);
  if (room < queueables.length && options.keepsRest !== true)
    noteDropped(context, key, 'client-queue-full', queueables.slice(room));
  const accepted = queueables.slice(0, room);
  if (accepted.length === 0) return 0;

  const pushedTo = session.mode === 'direct' ? session.address : undefined;
  const writes = entriesOf(context, session, accepted, numbering.writes(session.sequence), pushedTo);
  if (mayRefer(context, session)) await Promise.all(accepted.map(({ storedOnce }) => storedOnce));
  if (pushedTo === undefined) {
    const stored = await storeInOrder(context, key, generation, writes);
    noteQueued(context, key, stored);
    options.onStored?.(stored);
    const now = await drain(context, key, { evenIfDirect: true });
    if (isAlive(context, now, generation)) return accepted.length;
    await deleteEntries(context, key, stored);
    return 'ended';
  }
  const stored = await storeOneByOne(context, key, generation, writes);
  noteQueued(context, key, stored);
  options.onStored?.(stored);
  const now = await pushDirectly(context, key, { ...session, address: pushedTo }, stored);
  if (isAlive(context, now, generation)) return accepted.length;
  // They have been sent, so they are not delivered elsewhere. Shared ones are handed on as at any
  // end.
  if (stored.some(({ share }) => share !== undefined)) await context.sessionEnded(key, generation);
  else await deleteEntries(context, key, stored);
  return accepted.length;
}

function noteQueued({ traces }: Context, key: ClientKey, entries: readonly QueueEntry[]): void {
  if (!traces.isTraced(key)) return;
  for (const { message, qos, packetIdentifier: packetId } of entries)
    traces.note(key, 'queued', { topic: message.topic, qos, id: message.id, packetId });
}

function isAlive(context: Context, session: Session | undefined, generation: string): session is Session {
  return session?.generation === generation && !hasEnded(session, context.clock.nowMs());
}

/** Whether the session's queue may refer to messages: it must end long before they are deleted. */
function mayRefer({ settings }: Context, { expirySeconds }: Session): boolean {
  return expirySeconds <= settings.sharedMessageMaxExpirySeconds;
}

/** The entries of messages, grouped like their sequences. */
function entriesOf(
  context: Context,
  session: Session,
  queueables: readonly Queueable[],
  writes: readonly (readonly number[])[],
  pushedTo: QueueEntry['pushedTo'],
): QueueEntry[][] {
  const { generation, maxQueueSeconds } = session;
  const dropAtMs = maxQueueSeconds === undefined ? undefined : context.clock.nowMs() + maxQueueSeconds * 1000;
  const common = {
    released: false,
    generation,
    ...(pushedTo === undefined ? {} : { pushedTo }),
    ...(dropAtMs === undefined ? {} : { dropAtMs }),
  };
  const pending = queueables.values();
  return writes
    .map((sequences) =>
      sequences.flatMap((sequence) => {
        const next = pending.next();
        if (next.done === true) return [];
        const { storedOnce, ...queueable } = next.value;
        const byReference = storedOnce !== undefined && mayRefer(context, session);
        const packetIdentifier = packetIdentifierOf(sequence);
        return [
          { ...queueable, ...common, sequence, packetIdentifier, ...(byReference ? { byReference } : {}) },
        ];
      }),
    )
    .filter((entries) => entries.length > 0);
}

/**
 * How many of `count` new messages the queue has room for. A message takes at least one number, so
 * the queue is counted only once per as many numbers as there was room. Expired messages make room.
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

/**
 * Deletes entries that have expired or waited too long. Reads the oldest entry first, because a
 * full queue is asked for every message. @returns how many were deleted.
 */
async function dropOutdated(context: Context, session: Session): Promise<number> {
  const nowMs = context.clock.nowMs();
  const isOutdated = (entry: QueueEntry): boolean =>
    entry.generation === session.generation &&
    !isBegun(session, entry) &&
    !session.inFlight.has(entry.packetIdentifier) &&
    (isOverdue(entry, nowMs) || isExpired(entry.message, nowMs));
  const { entries } = await context.queue.list(session, session.sequence, 1);
  if (!entries.some(isOutdated)) return 0;
  const dropped: QueueEntry[] = [];
  const deleted = await context.queue.deleteWhere(session, (entry) => {
    if (!isOutdated(entry)) return false;
    dropped.push(entry);
    return true;
  });
  noteOutdated(context, session, dropped);
  return deleted;
}

/**
 * Stores entries for a drain, which may list the queue at any moment. The first write is made last
 * and the others name it, so the batch becomes visible as a whole and in its order.
 */
async function storeInOrder(
  context: Context,
  key: ClientKey,
  generation: string,
  [first = [], ...others]: readonly (readonly QueueEntry[])[],
): Promise<QueueEntry[]> {
  const [oldest] = first;
  if (oldest === undefined) return [];
  if (others.length === 0) return store(context, key, generation, first);
  const batch = { first: oldest.sequence, storedAtMs: context.clock.nowMs() };
  const batched = (entries: readonly QueueEntry[]) => entries.map((entry) => ({ ...entry, batch }));
  const behindFirst = await store(context, key, generation, batched(others.flat()));
  return [...(await store(context, key, generation, batched(first))), ...behindFirst];
}

/**
 * Stores the entries of each write after those of the one before. So what a dead handler leaves,
 * and what a connection finds that takes the session over meanwhile, is the beginning of the batch
 * without a gap. Hiding the entries until all are stored, as {@link storeInOrder} does, would hide
 * them from every resumption that finds the first one acknowledged.
 */
async function storeOneByOne(
  context: Context,
  key: ClientKey,
  generation: string,
  writes: readonly (readonly QueueEntry[])[],
): Promise<QueueEntry[]> {
  const stored: QueueEntry[] = [];
  for (const entries of writes) stored.push(...(await store(context, key, generation, entries)));
  return stored;
}

/**
 * Stores entries. If the numbers of some are still in use (a message has stayed unacknowledged
 * while all other identifiers were used), these entries are numbered again, each apart: an
 * identifier in use is never assigned twice. [MQTT-2.2.1-4 v5, MQTT-2.3.1-4 v3]
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
    const numbering = context.queue.numberApart(taken.length);
    const session = await context.sessions.allocate(key, generation, numbering.numbers);
    if (session === undefined) break;
    const sequences = numbering.writes(session.sequence).flat();
    pending = taken.map((entry, index) => {
      const sequence = sequences[index] ?? 0;
      return { ...entry, sequence, packetIdentifier: packetIdentifierOf(sequence) };
    });
  }
  return stored;
}

/**
 * Pushes entries that this handler has just stored to the connection that `allocate` returned. The
 * session may meanwhile have moved to another connection, whose resumption may have listed the
 * queue before the entries were in it. So the session is read again, and if it has moved, a drain
 * sends the entries; `pushedTo` shows that the new connection has not received them.
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
      ? forceReconnect(context, key, route.address)
      : pushEntries(context, key, route, owned, noneResent),
    context.sessions.get(key),
  ]);
  return now?.address !== undefined && now.address !== route.address && now.generation === route.generation
    ? drain(context, key, { evenIfDirect: true })
    : now;
}

/** The first transmission has DUP 0. */
const noneResent: ReadonlySet<number> = new Set();
