import { concurrently } from '../../core/concurrently.ts';
import { reasonCodes, type UnsubscribePacket } from '../../mqtt/index.ts';
import type { Outcome } from '../../sessions/outcome.ts';
import { isTopicError, parseFilter } from '../../topics/index.ts';
import { acceptFilters, noteFilter } from './filter-limit.ts';
import { maxConcurrentWrites, type Peer, type Run } from './handler.ts';

/**
 * UNSUBSCRIBE deletes exactly the filters of a run's packets, so no new message is matched to them.
 * Messages that are queued already are delivered. One UNSUBACK with the same packet identifier
 * answers each packet, whatever was deleted, in 5.0 with a code for each filter.
 *
 * Filters that are not in the session's list cost no write: a subscription is stored after its
 * entry in the list and deleted before it, so without an entry there is no subscription. For the
 * same reason a crash between the two deletes leaves nothing that the end of the session would
 * miss.
 *
 * [MQTT-3.10.4-1 v3+v5, MQTT-3.10.4-2 v3+v5, MQTT-3.10.4-3 v3+v5, MQTT-2.3.1-7 v3, MQTT-2.2.1-6 v5,
 * MQTT-3.10.4-4 v3+v5, MQTT-3.10.4-5 v3+v5, MQTT-3.10.4-6 v3+v5, MQTT-3.11.3-1 v5]
 */
export async function handleUnsubscribe(peer: Peer, run: Run<UnsubscribePacket>): Promise<Outcome> {
  const { packets, end } = acceptFilters(peer, run, ({ unsubscriptions }) => unsubscriptions);
  const deleted = await unsubscribe(peer, new Set(packets.flatMap(({ unsubscriptions }) => unsubscriptions)));
  const replies = packets.map(({ messageId, unsubscriptions }) => ({
    cmd: 'unsuback' as const,
    messageId,
    granted: unsubscriptions.map((filter) => {
      const parsed = parseFilter(filter);
      if (isTopicError(parsed)) {
        noteFilter(peer.context, peer.connection, parsed, filter);
        return parsed.reasonCode;
      }
      // A filter that is named again no longer exists.
      return deleted.delete(filter) ? reasonCodes.success.code : reasonCodes.noSubscriptionExisted.code;
    }),
  }));
  return { replies, ...(end && { end }) };
}

/** @returns the filters of which a subscription was deleted. */
async function unsubscribe(
  { context, connection }: Peer,
  filters: ReadonlySet<string>,
): Promise<Set<string>> {
  const deleted = new Set<string>();
  const wellFormed = [...filters].filter((filter) => !isTopicError(parseFilter(filter)));
  if (wellFormed.length === 0) return deleted;
  const listed = await context.sessionSubscriptions.find(connection, wellFormed);
  const current = listed.filter(({ generation }) => generation === connection.generation);
  await concurrently(current, maxConcurrentWrites, async ({ filter }) => {
    const parsed = parseFilter(filter);
    if (isTopicError(parsed)) return;
    const existed = await context.subscriptions.delete(connection.tenant, { ...connection, ...parsed });
    await context.sessionSubscriptions.delete(connection, filter, connection.generation);
    if (!existed) return;
    deleted.add(filter);
    context.traces.note(connection, 'unsubscribed', { filter });
  });
  return deleted;
}
