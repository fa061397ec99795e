import type { Context } from '../broker/context.ts';
import { metrics } from '../broker/metrics.ts';
import type { ClientKey, QueueEntry, Session } from '../broker/model.ts';
import { deleteEntries, ownedOnly, pushEntries } from './entries.ts';
import { isExpired } from './publish-packet.ts';

/** How often a drain that lost its claim to another handler looks again. The winner sees to the rest as well. */
const maxAttempts = 50;

/**
 * Sends what waits in a session's queue, oldest first, as far as the client's window allows. Call it when the queue or
 * the window may have changed: after storing an entry without pushing it, after deleting acknowledged entries, and on
 * resumption: first write, then drain, so that of two handlers at least the later one sees both changes.
 *
 * Entries are claimed for the current connection by one conditional write on the session row before they are sent, so
 * no two handlers send the same entry, and the window (Receive Maximum) is exact. When everything has been handed
 * over and the client takes more messages at once than a queue may hold, the session goes to mode `direct`, in which
 * the handler that stores an entry sends it. The switch fails if anything has been numbered meanwhile.
 *
 * A crash between claim and post leaves claimed entries unsent until the session resumes on another connection:
 * resumption forgets all claims.
 *
 * @param options.evenIfDirect the caller has stored an entry that nobody has pushed.
 */
export async function drain(
  context: Context,
  key: ClientKey,
  options: { readonly evenIfDirect?: boolean } = {},
): Promise<void> {
  let evenIfDirect = options.evenIfDirect ?? false;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const session = await context.sessions.get(key);
    if (session?.address === undefined) return;
    if (session.mode === 'direct' && !evenIfDirect) return;

    const round = await planRound(context, session);
    const nothingToSend = round.picks.length === 0;
    const goDirect = nothingToSend && round.caughtUp && takesMoreThanQueueHolds(context, session);
    if (nothingToSend && !goDirect) return;
    if (nothingToSend && session.mode === 'direct') return;

    const claimedBy = context.ids.unique();
    const claimed = await context.sessions.claim(session, {
      claimedBy,
      inFlight: round.inFlight,
      resent: round.resent,
      mode: goDirect ? 'direct' : 'queued',
      onlyAtSequence: goDirect,
    });
    if (!claimed && (await context.sessions.get(key))?.claimedBy !== claimedBy) continue;
    if (goDirect) return;
    evenIfDirect = false;
    await send(context, session, session.address, round.picks);
  }
}

interface Round {
  /** Entries to claim and send now, oldest first. */
  readonly picks: QueueEntry[];
  /** All packet identifiers in flight once the picks are. */
  readonly inFlight: Set<number>;
  /** What of `session.resent` still waits: those that remain to be sent with DUP. */
  readonly resent: Set<number>;
  /** Nothing waits behind the picks. */
  readonly caughtUp: boolean;
}

async function planRound(context: Context, session: Session): Promise<Round> {
  const { catchUpWindowMessages } = context.settings;
  const window = Math.min(session.receiveMaximum, catchUpWindowMessages);
  // What is in flight comes first, being oldest; so twice the window shows all of it and a whole window behind it.
  const { entries, more } = await context.queue.list(session, session.sequence, 2 * window);
  const nowMs = context.clock.nowMs();
  const isInFlight = (entry: QueueEntry): boolean =>
    session.inFlight.has(entry.packetIdentifier) || entry.pushedTo === session.address;
  const isDead = (entry: QueueEntry): boolean =>
    entry.generation !== session.generation || (!entry.released && isExpired(entry.message, nowMs));

  const dead = entries.filter((entry) => !isInFlight(entry) && isDead(entry));
  if (dead.length > 0) {
    context.log.count(metrics.messagesExpired, dead.length);
    await deleteEntries(context, session, dead);
  }
  const waiting = entries.filter((entry) => !isInFlight(entry) && !isDead(entry));
  const current = entries.filter(isInFlight);
  const known = new Set(entries.map((entry) => entry.packetIdentifier));
  const unseen = more ? [...session.inFlight].filter((identifier) => !known.has(identifier)) : [];
  const room = Math.max(0, window - current.length - unseen.length);
  const picks = waiting.slice(0, room);
  return {
    picks,
    inFlight: new Set([
      ...unseen,
      ...current.filter((entry) => entry.pushedTo !== session.address).map((entry) => entry.packetIdentifier),
      ...picks.map((entry) => entry.packetIdentifier),
    ]),
    resent: stillResent(session, waiting, picks, more),
    caughtUp: !more && picks.length === waiting.length,
  };
}

function stillResent(
  session: Session,
  waiting: readonly QueueEntry[],
  picks: readonly QueueEntry[],
  more: boolean,
): Set<number> {
  const picked = new Set(picks.map((entry) => entry.packetIdentifier));
  const there = new Set(waiting.map((entry) => entry.packetIdentifier));
  return new Set(
    [...session.resent].filter((identifier) => !picked.has(identifier) && (more || there.has(identifier))),
  );
}

/** Then the bound of the queue keeps the client's Receive Maximum, and nothing has to be counted on the way. */
function takesMoreThanQueueHolds(context: Context, session: Session): boolean {
  return session.receiveMaximum > context.settings.maxQueuedMessages;
}

async function send(
  context: Context,
  session: Session,
  address: NonNullable<Session['address']>,
  picks: readonly QueueEntry[],
): Promise<void> {
  const owned = await ownedOnly(context, session, picks);
  const resent = new Set(
    owned
      .filter((entry) => entry.pushedTo !== undefined || session.resent.has(entry.packetIdentifier))
      .map((entry) => entry.packetIdentifier),
  );
  await pushEntries(context, session, { ...session, address }, owned, resent);
}
