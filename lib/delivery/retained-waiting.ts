import { concurrently } from '../core/concurrently.ts';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey, Session } from '../core/model.ts';
import { ageOrder, hasEnded, packetIdentifierOf, queueBound } from '../core/session-rules.ts';
import type { RetainedScan } from '../core/timers.ts';

/** Concurrent writes to different rows of one session. */
export const concurrentWrites = 50;
/** {@link Session.retainedBehind} while a timer is to continue: greater than any sequence. */
const timerIsDue = Number.MAX_SAFE_INTEGER;

/**
 * Leaves retained messages until the session's queue has room for half of what it may hold. The
 * list of the session's subscriptions says from which topic each filter goes on, so what waits
 * outlives the connection and ends with the session or the subscription.
 *
 * Order of the writes: topics, then the sequence whose acknowledgement continues, then a read of
 * the entry with this sequence. If it is gone, its acknowledgement may have come before the write,
 * and a timer continues at once. Otherwise the handler of an acknowledgement that is still to come
 * finds the sequence in the session. A crash in between leaves subscriptions that wait and no
 * SUBACK, after which the client subscribes again, or a timer that arrives again.
 *
 * @param previous from which topics the filters have waited so far. Where a subscription no longer
 *   waits from there, it has been replaced and is left alone.
 */
export async function waitForRoom(
  context: Context,
  key: ClientKey,
  generation: string,
  scans: readonly RetainedScan[],
  previous: ReadonlyMap<string, string | undefined>,
): Promise<void> {
  context.log.count(metrics.retainedContinued);
  await concurrently(scans, concurrentWrites, ({ filter, from = '', subscriptionIdentifier }) => {
    const entry = { filter, generation, retainedFrom: from };
    const identified = subscriptionIdentifier === undefined ? entry : { ...entry, subscriptionIdentifier };
    return context.sessionSubscriptions.setRetainedFrom(key, identified, previous.get(filter));
  });
  const session = await context.sessions.get(key);
  if (session?.generation !== generation || hasEnded(session, context.clock.nowMs())) return;
  const bound = queueBound(context.settings, session);
  const { entries, more } = await context.queue.list(session, session.sequence, bound);
  const middle = entries[Math.floor(entries.length / 2)];
  const behind = middle?.sequence ?? session.sequence;
  await context.sessions.setRetainedBehind(key, generation, behind);
  const hasRoom = !more && entries.length <= bound / 2;
  const isGone =
    hasRoom ||
    middle === undefined ||
    (await context.queue.get(key, middle.packetIdentifier))?.sequence !== middle.sequence;
  if (isGone) await scheduleOnce(context, key, generation, behind);
}

/**
 * Continues retained messages that wait, if the client has acknowledged a message that leaves room
 * for more. Costs nothing if none wait.
 *
 * @param session as read after the acknowledged entries were deleted.
 */
export async function continueAfterAcknowledgement(
  context: Context,
  session: Session | undefined,
  packetIdentifiers: readonly number[],
): Promise<void> {
  if (session?.retainedBehind === undefined || session.retainedBehind > session.sequence) return;
  const { sequence, retainedBehind, generation } = session;
  const order = ageOrder(packetIdentifierOf(retainedBehind), sequence);
  if (!packetIdentifiers.some((identifier) => ageOrder(identifier, sequence) >= order)) return;
  await scheduleOnce(context, session, generation, retainedBehind);
}

/**
 * Continues retained messages that wait though no acknowledgement will continue them: a handler
 * has died, or the message behind which they wait has expired. Call it when a session is resumed,
 * and at times while it is online. A client that acknowledges nothing costs one read.
 */
export async function continueIfForgotten(context: Context, session: Session | undefined): Promise<void> {
  if (session?.retainedBehind === undefined || session.address === undefined) return;
  const { sequence, retainedBehind, generation } = session;
  if (retainedBehind <= sequence) {
    const entry = await context.queue.get(session, packetIdentifierOf(retainedBehind));
    if (entry?.sequence === retainedBehind) return;
  }
  await scheduleOnce(context, session, generation, retainedBehind);
}

/**
 * The session says first that a timer is due, so that further acknowledgements schedule no other:
 * two chains would send everything twice. After a crash in between, {@link continueIfForgotten}
 * schedules it.
 */
async function scheduleOnce(
  context: Context,
  key: ClientKey,
  generation: string,
  behind: number,
): Promise<void> {
  if (!(await context.sessions.setRetainedBehind(key, generation, timerIsDue, behind))) return;
  const { tenant, clientId } = key;
  const timer = { kind: 'retained-waiting', tenant, clientId, generation } as const;
  await context.timers.schedule(timer, context.clock.nowMs());
}
