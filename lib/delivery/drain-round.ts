import type { Context } from '../core/context.ts';
import type { QueueEntry, Session } from '../core/model.ts';
import { ageOrder } from '../core/session-rules.ts';
import { isOverdue } from './outdated.ts';
import { isExpired } from './post.ts';

/** The next step of a drain, from one read of the session and its queue. */
export interface Round {
  /** Entries to claim and send now, oldest first. */
  readonly picks: QueueEntry[];
  /** All packet identifiers in flight, including the picks. */
  readonly inFlight: Set<number>;
  /** Messages before the picks that the current connection was sent and has not acknowledged. */
  readonly awaited: number;
  /** Identifiers of `session.resent` that still wait to be sent with DUP. */
  readonly resent: Set<number>;
  /** Batches of which entries have been claimed and others may still wait. */
  readonly opened: Set<number>;
  /** Nothing waits behind the picks. */
  readonly caughtUp: boolean;
  /**
   * Entries that have expired unsent, have waited longer than the quota, or belong to an earlier
   * generation. Delete them only after a claim has shown that the session is unchanged: seen from
   * an ended session, the entries of the next one belong to another generation, too.
   * [MQTT-3.3.2-5 v5]
   */
  readonly dead: QueueEntry[];
}

/**
 * Picks the entries to send: as many as the client's window has room for. The window holds back
 * only these; replies and QoS 0 do not pass here.
 * [MQTT-3.3.4-9 v5, MQTT-4.9.0-1 v5, MQTT-4.9.0-2 v5, MQTT-3.3.4-10 v5, MQTT-4.9.0-3 v5]
 */
export async function planRound(
  context: Context,
  session: Session,
  options: { readonly sendNothing?: boolean } = {},
): Promise<Round> {
  const sendNothing = options.sendNothing ?? false;
  const window = Math.min(session.receiveMaximum, context.settings.catchUpWindowMessages);
  // Entries in flight are the oldest, so twice the window shows a whole window behind them.
  for (let limit = 2 * window; ; limit *= 4) {
    const { entries, more } = await context.queue.list(session, session.sequence, limit);
    const { hidden, ...round } = await planFrom(context, session, { entries, more }, window, sendNothing);
    // Read on behind incomplete batches: their handler may have died.
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
 * Claimed identifiers that are unacknowledged but not listed, because entries stored late under
 * lower numbers fill the list. An unlisted identifier older than the newest listed one is
 * acknowledged.
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

/**
 * Whether an earlier connection may have received the PUBLISH. The message then no longer expires
 * and is sent again with DUP. [MQTT-4.3.3-7 v5, MQTT-3.3.1-1 v5]
 */
export function isBegun(session: Pick<Session, 'resent'>, entry: QueueEntry): boolean {
  return entry.released || entry.pushedTo !== undefined || session.resent.has(entry.packetIdentifier);
}

/** Tells the entries that may be sent: their batch is complete, or its handler has died. */
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

/** A claimed entry opens its batch for as long as entries of the batch may follow. */
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
