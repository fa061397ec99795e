import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';
import { reasonCodes, type UnsubscribePacket } from '../../mqtt/index.ts';
import type { Outcome } from '../../sessions/outcome.ts';
import { isTopicError, parseFilter } from '../../topics/index.ts';
import type { Peer, Run } from './handler.ts';
import { tooManyFilters } from './too-many-filters.ts';

/**
 * UNSUBSCRIBE: deletes exactly the filters named [MQTT-3.10.4-1 v3+v5], so nothing new is matched to them [MQTT-3.10.4-2
 * v3+v5]; what is queued already is delivered to its end [MQTT-3.10.4-3 v3+v5]. One UNSUBACK of the same packet
 * identifier answers, whatever was deleted, with a code for each filter in 5.0 [MQTT-2.3.1-7 v3, MQTT-2.2.1-6 v5,
 * MQTT-3.10.4-4 v3+v5, MQTT-3.10.4-5 v3+v5, MQTT-3.10.4-6 v3+v5, MQTT-3.11.3-1 v5]. The subscription goes before its entry in the
 * session's list, so that a crash between them leaves nothing that the session's end would not find.
 */
export async function handleUnsubscribe(
  { context, connection }: Peer,
  [packet]: Run<UnsubscribePacket>,
): Promise<Outcome> {
  const refusal = tooManyFilters(context, connection, packet.unsubscriptions.length);
  if (refusal !== undefined) return { replies: [], end: refusal };
  const granted = await Promise.all(
    packet.unsubscriptions.map((filter) => unsubscribe(context, connection, filter)),
  );
  return { replies: [{ cmd: 'unsuback', messageId: packet.messageId, granted }] };
}

async function unsubscribe(context: Context, connection: Connection, text: string): Promise<number> {
  const parsed = parseFilter(text);
  if (isTopicError(parsed)) return parsed.reasonCode;
  const existed = await context.subscriptions.delete(connection.tenant, { ...connection, ...parsed });
  await context.sessionSubscriptions.delete(connection, text, connection.generation);
  return existed ? reasonCodes.success.code : reasonCodes.noSubscriptionExisted.code;
}
