import { maySubscribe } from '../auth/index.ts';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey, ConnectionAddress, QueueEntry } from '../core/model.ts';
import type { Permissions } from '../core/permissions.ts';
import { isTopicError, matches, parseFilter } from '../topics/index.ts';

/** What a session has to observe of its rights: those it has now, and who holds it. */
export interface Narrowing extends ClientKey {
  readonly generation: string;
  readonly permissions: Permissions;
  /** The connection to which messages may have been sent already; those are not taken back. */
  readonly sentTo?: ConnectionAddress;
}

/**
 * Takes from a session what its client's permissions no longer allow: subscriptions, and the queued messages that only
 * these have brought. For a token that is renewed, and a session that is resumed with another token. What was matched
 * before the subscription went may still arrive a moment later.
 *
 * Reads the session's list, and the queue where something goes. The subscription goes before its entry in the list, so
 * that after a crash the next call finds the rest.
 *
 * @returns how many subscriptions were removed.
 */
export async function narrowSession(context: Context, narrowing: Narrowing): Promise<number> {
  const { tenant, clientId, generation, permissions } = narrowing;
  const kept: string[] = [];
  const removed: string[] = [];
  for (const listed of await context.sessionSubscriptions.list(narrowing)) {
    const parsed = parseFilter(listed.filter);
    if (listed.generation !== generation || isTopicError(parsed)) continue;
    if (maySubscribe(permissions, parsed.filter, listed.qos ?? 2)) {
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
  context.log.info('subscriptions are no longer allowed', { tenant, clientId, removed: removed.length });
  return removed.length;
}

async function dropQueued(
  context: Context,
  narrowing: Narrowing,
  isForbidden: (topic: string) => boolean,
): Promise<void> {
  const { sentTo } = narrowing;
  const session = sentTo === undefined ? undefined : await context.sessions.get(narrowing);
  const wasSent = ({ pushedTo, packetIdentifier }: Pick<QueueEntry, 'pushedTo' | 'packetIdentifier'>) =>
    sentTo !== undefined && (pushedTo === sentTo || session?.inFlight.has(packetIdentifier) === true);
  await context.queue.deleteWhere(
    narrowing,
    (entry) =>
      entry.generation === narrowing.generation &&
      !entry.released &&
      isForbidden(entry.message.topic) &&
      !wasSent(entry),
  );
}
