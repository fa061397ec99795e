import type { Context } from '../core/context.ts';
import type { ClientKey, Session } from '../core/model.ts';
import { neverEndsSeconds } from '../core/session-rules.ts';
import { timerReachMs } from '../core/timers.ts';
import { type EndedSession, redistributeShared } from '../delivery/redistribute.ts';
import { isTopicError, parseFilter } from '../topics/index.ts';
import { publishWillsOfSession } from './left-will.ts';

/**
 * Ends an offline session: now, by a timer at its expiry, or never. A session that expires later
 * than one delay of the timer queue gets no timer, because a chain of messages would cost more than
 * the session. It counts as ended from its expiry on, whoever reads it; its rows are deleted by the
 * next CONNECT, the next message that matches one of its subscriptions, or the recount of the
 * tenant.
 *
 * [MQTT-4.1.0-2 v5]
 */
export async function endOfflineSession(context: Context, session: Session): Promise<void> {
  const { tenant, clientId, generation, expirySeconds, expiresAtMs } = session;
  if (expirySeconds === 0) await sweepSession(context, session);
  else if (
    expirySeconds !== neverEndsSeconds &&
    expiresAtMs !== undefined &&
    expiresAtMs <= context.clock.nowMs() + timerReachMs
  )
    await context.timers.schedule({ kind: 'session-expiry', tenant, clientId, generation }, expiresAtMs);
}

/**
 * Deletes the rows of an ended session, then marks the session row as swept. Idempotent. A crash
 * leaves a row that has ended and is not swept: the next CONNECT, timer or message deletes the
 * rest. Only rows of that generation are deleted, so a client that returns meanwhile keeps its new
 * ones.
 */
export async function endSession(context: Context, key: ClientKey, generation: string): Promise<void> {
  const session = await context.sessions.get(key);
  await sweepSession(context, session?.generation === generation ? session : { ...key, generation });
}

async function sweepSession(context: Context, session: EndedSession): Promise<void> {
  await deleteSessionRows(context, session);
  await context.sessions.markSwept(session, session.generation);
}

/**
 * Publishes the Wills and deletes the subscriptions, then the queue, in this order: no new message
 * may reach a queue that is being emptied.
 * @param session its row as it was at the end, where that is known.
 */
export async function deleteSessionRows(context: Context, session: EndedSession): Promise<void> {
  const { generation } = session;
  await publishWillsOfSession(context, session, generation);
  await deleteSubscriptions(context, session, generation);
  await context.queue.sweep(session, generation, (shared) => redistributeShared(context, session, shared));
}

async function deleteSubscriptions(context: Context, key: ClientKey, generation: string): Promise<void> {
  const { tenant, clientId } = key;
  const listed = await context.sessionSubscriptions.list(key);
  const ended = listed.filter((subscription) => subscription.generation === generation);
  await Promise.all(
    ended.map(async ({ filter }) => {
      const parsed = parseFilter(filter);
      if (!isTopicError(parsed))
        await context.subscriptions.delete(tenant, { ...parsed, clientId, generation });
      await context.sessionSubscriptions.delete(key, filter, generation);
    }),
  );
}
