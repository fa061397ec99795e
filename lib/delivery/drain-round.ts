import type { Context } from '../core/context.ts';
import type { QueueEntry, Session } from '../core/model.ts';
import { ageOrder } from '../core/packet-identifier.ts';
import { isExpired } from './post.ts';

/** What a drain is to do next, as of one reading of the session and its queue. */
export interface Round {
  /** Entries to claim and send now, oldest first. */
  readonly picks: QueueEntry[];
  /** All packet identifiers in flight once the picks are. */
  readonly inFlight: Set<number>;
  /** How many messages the current connection has been sent, before the picks, and has not acknowledged. */
  readonly awaited: number;
  /** What of `session.resent` still waits: those that remain to be sent with DUP. */
  readonly resent: Set<number>;
  /** Batches of which something has been claimed and something may be left. */
  readonly opened: Set<number>;
  /** Nothing waits behind the picks. */
  readonly caughtUp: boolean;
  /**
   * Entries that have expired unsent [MQTT-3.3.2-5 v5], have waited longer than quotas allow, or are of an earlier generation. They may be deleted once a claim has
   * shown that the session is still as it was read: seen from a session that has ended, the entries of the next one look
   * foreign too.
   */
  readonly dead: QueueEntry[];
}

/**
 * Picks what may be sent: as much as the client's window has room for [MQTT-3.3.4-9 v5, MQTT-4.9.0-1 v5, MQTT-4.9.0-2 v5].
 * The window holds back nothing but these: replies and QoS 0 do not pass here [MQTT-3.3.4-10 v5, MQTT-4.9.0-3 v5].
 */
export async function planRound(
  context: Context,
  session: Session,
  options: { readonly sendNothing?: boolean } = {},
): Promise<Round> {
  const sendNothing = options.sendNothing ?? false;
  const window = Math.min(session.receiveMaximum, context.settings.catchUpWindowMessages);
  // What is in flight comes first, being oldest; so twice the window shows a whole window behind it.
  for (let limit = 2 * window; ; limit *= 4) {
    const { entries, more } = await context.queue.list(session, session.sequence, limit);
    const { hidden, ...round } = await planFrom(context, session, { entries, more }, window, sendNothing);
    // Batches that are still being stored, by a handler that may have died, do not keep others from being sent.
    if (!more || hidden === 0 || round.picks.length > 0) return round;
  }
}

async function planFrom(
  context: Context,
  session: Session,
  { entries, more }: { readonly entries: readonly QueueEntry[]; readonly more: boolean },
  window: number,
  sendNothing: boolean,
): Promise<Round & { readonly hidden: number }> {
  const nowMs = context.clock.nowMs();
  const isInFlight = (entry: QueueEntry): boolean =>
    session.inFlight.has(entry.packetIdentifier) || entry.pushedTo === session.address;
  const isDead = (entry: QueueEntry): boolean =>
    entry.generation !== session.generation ||
    (!isBegun(session, entry) && (isExpired(entry.message, nowMs) || isOverdue(entry, nowMs)));
  const isVisible = visibility(context, session, entries);

  const waiting = entries.filter((entry) => !isInFlight(entry) && !isDead(entry));
  const visible = waiting.filter(isVisible);
  const current = entries.filter(isInFlight);
  const unlisted = more ? await inFlightUnlisted(context, session, entries) : [];
  const awaited = current.length + unlisted.length;
  const room = sendNothing ? 0 : Math.max(0, window - awaited);
  const picks = visible.slice(0, room);
  return {
    picks,
    awaited,
    inFlight: new Set([
      ...unlisted,
      ...current.filter((entry) => entry.pushedTo !== session.address).map((entry) => entry.packetIdentifier),
      ...picks.map((entry) => entry.packetIdentifier),
    ]),
    resent: stillResent(session, waiting, picks, more),
    opened: stillOpened(session, entries, picks, more),
    caughtUp: !more && picks.length === waiting.length,
    dead: entries.filter((entry) => !isInFlight(entry) && isDead(entry)),
    hidden: room === 0 ? 0 : waiting.length - visible.length,
  };
}

/**
 * Claimed identifiers that are still unacknowledged though they were not listed: entries stored late under lower numbers
 * have pushed them out of the list. What is older than the youngest that was listed is acknowledged.
 */
async function inFlightUnlisted(
  context: Context,
  session: Session,
  entries: readonly QueueEntry[],
): Promise<number[]> {
  const order = (identifier: number): number => ageOrder(identifier, session.sequence);
  const youngest = Math.max(-1, ...entries.map((entry) => order(entry.packetIdentifier)));
  const unlisted = [...session.inFlight].filter((identifier) => order(identifier) > youngest);
  const found = await Promise.all(unlisted.map((identifier) => context.queue.get(session, identifier)));
  return unlisted.filter((_, index) => found[index]?.generation === session.generation);
}

/** Whether it has waited longer than the client's quota `queueSeconds` allows. */
export function isOverdue({ dropAtMs }: QueueEntry, nowMs: number): boolean {
  return dropAtMs !== undefined && dropAtMs <= nowMs;
}

/**
 * Whether an earlier connection may have got the PUBLISH: then the message expires no more [MQTT-4.3.3-7 v5] and is sent
 * again with DUP [MQTT-3.3.1-1 v5].
 */
export function isBegun(session: Pick<Session, 'resent'>, entry: QueueEntry): boolean {
  return entry.released || entry.pushedTo !== undefined || session.resent.has(entry.packetIdentifier);
}

/** Which entries may be sent: those whose batch is complete, or whose handler has died on the way. */
function visibility(
  context: Context,
  session: Session,
  entries: readonly QueueEntry[],
): (entry: QueueEntry) => boolean {
  const complete = new Set(
    entries.filter(({ batch, sequence }) => batch?.first === sequence).map(({ sequence }) => sequence),
  );
  const deadBeforeMs = context.clock.nowMs() - context.settings.sendingSeconds * 1000;
  return ({ batch }) =>
    batch === undefined ||
    session.opened.has(batch.first) ||
    complete.has(batch.first) ||
    batch.storedAtMs <= deadBeforeMs;
}

/** What has been claimed opens its batch, for as long as anything may stand behind it. */
function stillOpened(
  session: Session,
  entries: readonly QueueEntry[],
  picks: readonly QueueEntry[],
  more: boolean,
): Set<number> {
  const batchOf = ({ batch }: QueueEntry): number[] => (batch === undefined ? [] : [batch.first]);
  const there = new Set(entries.flatMap(batchOf));
  const before = [...session.opened].filter((first) => more || there.has(first));
  return new Set([...before, ...picks.flatMap(batchOf)]);
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
