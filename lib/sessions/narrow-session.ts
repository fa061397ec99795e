import { maySubscribe } from '../auth/index.ts';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey, ConnectionAddress, QueueEntry } from '../core/model.ts';
import type { Permissions } from '../core/permissions.ts';
import { noteRefusal } from '../limits/refusals.ts';
import { isTopicError, matches, parseFilter } from '../topics/index.ts';

/** A session and the permissions it must obey from now on. */
export interface Narrowing extends ClientKey {
  readonly generation: string;
  readonly permissions: Permissions;
  /** The connection to which messages may have been sent already; those stay in the queue. */
  readonly sentTo?: ConnectionAddress;
}

/**
 * Removes from a session the subscriptions that its client's permissions no longer allow, and the
 * queued messages that only these subscriptions have brought. For a renewed token, and for a
 * session that is resumed with another token. A message that was matched before its subscription
 * was deleted may still arrive a moment later.
 *
 * Reads the session's list, and the queue where a subscription is removed. A subscription is
 * deleted before its entry in the list, so after a crash the next call finds the rest.
 *
 * @returns the number of removed subscriptions.
 */
export async function narrowSession(context: Context, narrowing: Narrowing): Promise<number> {
  const { tenant, clientId, generation, permissions } = narrowing;
  const kept: string[] = [];
  const removed: string[] = [];
  for (const listed of await context.sessionSubscriptions.list(narrowing)) {
    const parsed = parseFilter(listed.filter);
    if (listed.generation !== generation || isTopicError(parsed)) continue;
    if (maySubscribe(permissions, parsed.filter, listed.qos ?? 2, parsed.shareName !== undefined)) {
      kept.push(parsed.filter);
      continue;
    }
    await context.subscriptions.delete(tenant, { ...parsed, clientId, generation });
    await context.sessionSubscriptions.delete(narrowing, listed.filter, generation);
    removed.push(parsed.filter);
  }
  if (removed.length === 0) return 0;
  const isForbidden = (topic: string): boolean =>
    removed.some((filter) => matches(filter, topic)) && !kept.some((filter) => matches(filter, topic));
  await dropQueued(context, narrowing, isForbidden);
  context.log.count(metrics.subscriptionsRemoved, removed.length);
  noteRefusal(context, {
    code: 'subscribe-not-authorized',
    what: 'filter',
    tenant,
    clientId,
    reason: 'the subscriptions are removed: the token no longer allows them',
    ...(removed[0] === undefined ? {} : { topic: removed[0] }),
    count: removed.length,
  });
  return removed.length;
}

async function dropQueued(
  context: Context,
  narrowing: Narrowing,
  isForbidden: (topic: string) => boolean,
): Promise<void> {
  const { sentTo } = narrowing;
  const session = sentTo === undefined ? undefined : await context.sessions.get(narrowing);
  const mayHaveBeenSent = ({ pushedTo, packetIdentifier }: QueueEntry) =>
    sentTo !== undefined && (pushedTo === sentTo || session?.inFlight.has(packetIdentifier) === true);
  await context.queue.deleteWhere(
    narrowing,
    (entry) =>
      entry.generation === narrowing.generation &&
      !entry.released &&
      isForbidden(entry.message.topic) &&
      !mayHaveBeenSent(entry),
  );
}
