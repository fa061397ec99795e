import { reasonCodes, type UnsubscribePacket } from '../../mqtt/index.ts';
import type { Outcome } from '../../sessions/outcome.ts';
import { isTopicError, parseFilter } from '../../topics/index.ts';
import { filterLimitExceeded } from './filter-limit.ts';
import type { Peer, Run } from './handler.ts';

/**
 * UNSUBSCRIBE deletes exactly the filters of the packet, so no new message is matched to them.
 * Messages that are queued already are delivered. One UNSUBACK with the same packet identifier
 * answers, whatever was deleted, in 5.0 with a code for each filter.
 *
 * A subscription is deleted before its entry in the session's list, so a crash between the two
 * leaves nothing that the end of the session would miss.
 *
 * [MQTT-3.10.4-1 v3+v5, MQTT-3.10.4-2 v3+v5, MQTT-3.10.4-3 v3+v5, MQTT-2.3.1-7 v3, MQTT-2.2.1-6 v5,
 * MQTT-3.10.4-4 v3+v5, MQTT-3.10.4-5 v3+v5, MQTT-3.10.4-6 v3+v5, MQTT-3.11.3-1 v5]
 */
export async function handleUnsubscribe(peer: Peer, [packet]: Run<UnsubscribePacket>): Promise<Outcome> {
  const { messageId, unsubscriptions } = packet;
  const end = filterLimitExceeded(peer, unsubscriptions.length);
  if (end !== undefined) return { replies: [], end };
  const granted = await Promise.all(unsubscriptions.map((filter) => unsubscribe(peer, filter)));
  return { replies: [{ cmd: 'unsuback', messageId, granted }] };
}

async function unsubscribe({ context, connection }: Peer, filter: string): Promise<number> {
  const parsed = parseFilter(filter);
  if (isTopicError(parsed)) return parsed.reasonCode;
  const existed = await context.subscriptions.delete(connection.tenant, { ...connection, ...parsed });
  await context.sessionSubscriptions.delete(connection, filter, connection.generation);
  return existed ? reasonCodes.success.code : reasonCodes.noSubscriptionExisted.code;
}
