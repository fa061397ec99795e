import type { Context } from '../../core/context.ts';
import { metrics } from '../../core/metrics.ts';
import type { Connection, Message } from '../../core/model.ts';
import type { PublishRefusal } from '../../core/publish-refusal.ts';
import { effectiveQuotas } from '../../core/quotas.ts';
import { refusal } from '../../core/reasons.ts';
import { type Accepted, type Judged, type PublishResult, publishMessages } from '../../delivery/publish.ts';
import { type PublishPacket, reasonCodes, type ServerPacket } from '../../mqtt/index.ts';
import { type End, endWith, type Outcome } from '../../sessions/outcome.ts';
import { judgePublish } from '../judge-publish.ts';
import { noteUnreleased, unreleasedCount } from '../received-tally.ts';
import { resolveTopics } from '../topic-aliases.ts';
import type { Peer, Run } from './handler.ts';

/**
 * Publishes a run of PUBLISH packets together: one matching, one write per queue and one post per
 * subscriber, in order. At QoS 1 and 2 the acknowledgements follow when every copy is durable. A
 * QoS 1 message that is sent again is a new message.
 *
 * A packet that ends the connection ends it after the packets before it have been published and
 * acknowledged.
 *
 * After a crash the client sends the packets again. At QoS 1 subscribers may get the messages
 * twice. At QoS 2 the mark of the packet identifier gives a message its first id again, and each
 * queue takes an id once.
 *
 * [MQTT-4.6.0-5 v5, MQTT-4.3.2-4 v5, MQTT-4.3.3-8 v5, MQTT-4.3.2-2 v3, MQTT-4.3.3-2 v3,
 * MQTT-4.3.2-5 v5]
 */
export async function handlePublishes(
  { context, connection, live, budget, countedBytes = 0 }: Peer,
  run: Run<PublishPacket>,
): Promise<Outcome> {
  context.log.count(metrics.messagesReceived, run.length);
  const resolved = run.some(({ properties }) => properties?.topicAlias !== undefined)
    ? await resolveTopics(context, connection, run)
    : { packets: run, connection };
  const limited = await withinReceiveMaximum(context, connection, resolved.packets);
  const { tenant, address, rateUse } = connection;
  const quotas = effectiveQuotas(context.settings, live.quotas, connection.quotas);
  const results = await publishMessages(context, {
    tenant,
    live,
    budget,
    requests: limited.packets,
    source: { connection: address, clientId: connection.clientId },
    judge: (packet) => judgePublish(context, connection, packet),
    bearer: { quotas, client: { name: address, use: rateUse }, countedBytes },
    endsRun: (reason, packet) => endsConnection(connection, packet, reason),
    ...(limited.packets.some(({ qos }) => qos === 2) && {
      accept: (judged: readonly Judged<PublishPacket>[]) => acceptQos2(context, connection, judged),
    }),
  });
  if (results.some((result) => 'subscribers' in result && result.subscribers === undefined))
    return { replies: [], end: endWith(connection.protocolVersion, refusal('session-taken-over')) };
  const end = refusalThatEnds(connection, results) ?? limited.end ?? resolved.end;
  return {
    connection: resolved.connection,
    replies: results.flatMap((result) => acknowledge(connection, result)),
    ...(end === undefined ? {} : { end }),
  };
}

/**
 * Whether a refusal ends the connection. 5.0 tells a refusal in the acknowledgement. Earlier
 * versions have no code for it, and an acknowledgement would promise a delivery, so the connection
 * is closed. A topic beyond Wisp's limits is the exception: it would be refused for ever, and a
 * client sends a message again after each close, so that nothing behind it got through. It is
 * acknowledged, dropped, counted and logged. At QoS 0 there is no acknowledgement: the message is
 * dropped and counted, but a client that exceeds its rate is disconnected.
 *
 * [MQTT-3.3.5-2 v3]
 */
function endsConnection(
  { protocolVersion }: Connection,
  { qos }: PublishPacket,
  { kind }: PublishRefusal,
): boolean {
  switch (kind) {
    case 'invalid':
      return true;
    case 'payload-format':
    case 'topic-limits':
      return false;
    case 'rate':
      return qos === 0 || protocolVersion < 5;
    default:
      return qos > 0 && protocolVersion < 5;
  }
}

function refusalThatEnds(
  connection: Connection,
  results: readonly PublishResult<PublishPacket>[],
): End | undefined {
  const last = results.at(-1);
  if (last === undefined || !('refusal' in last)) return undefined;
  if (!endsConnection(connection, last.request, last.refusal)) return undefined;
  return { ...endWith(connection.protocolVersion, last.refusal), isNoted: true };
}

/**
 * Ends the connection with 0x93 when more messages are unacknowledged than Receive Maximum; the
 * packets up to it are handled. A client has one frame in flight, so the unacknowledged messages
 * are those of this run at QoS 1 and 2, and earlier QoS 2 messages without PUBREL.
 *
 * [MQTT-3.3.4-7 v5]
 */
async function withinReceiveMaximum(
  context: Context,
  connection: Connection,
  packets: readonly PublishPacket[],
): Promise<{ packets: readonly PublishPacket[]; end?: End }> {
  if (connection.protocolVersion < 5) return withinUnreleased(context, connection, packets);
  const { receiveMaximum } = context.settings;
  let unacknowledgedCount = packets.some(({ qos }) => qos === 2)
    ? await context.receivedMarks.count(connection, receiveMaximum)
    : 0;
  for (const [index, packet] of packets.entries()) {
    // A message that is sent again was counted at first.
    if (packet.qos > 0 && !packet.dup) unacknowledgedCount += 1;
    if (unacknowledgedCount > receiveMaximum) {
      const end = endWith(5, refusal('receive-maximum-exceeded', `${receiveMaximum}`));
      return { packets: packets.slice(0, index), end };
    }
  }
  return { packets };
}

/**
 * Before 5.0 there is no Receive Maximum, but each QoS 2 message without PUBREL is a row: as many
 * as a 5.0 client may have are taken, then the connection ends.
 */
async function withinUnreleased(
  context: Context,
  connection: Connection,
  packets: readonly PublishPacket[],
): Promise<{ packets: readonly PublishPacket[]; end?: End }> {
  const { receiveMaximum } = context.settings;
  const isNew = ({ qos, dup }: PublishPacket) => qos === 2 && !dup;
  const added = packets.filter(isNew).length;
  if (added === 0) return { packets };
  const count = await unreleasedCount(context, connection, added);
  noteUnreleased(context, connection.address, count);
  if (count <= receiveMaximum) return { packets };
  let room = receiveMaximum - (count - added);
  const cutAt = packets.findIndex((packet) => isNew(packet) && room-- <= 0);
  const end = endWith(connection.protocolVersion, refusal('receive-maximum-exceeded', `${receiveMaximum}`));
  return { packets: packets.slice(0, cutAt), end };
}

/**
 * Marks the packet identifiers of QoS 2 messages as received. A message that is sent again gets its
 * first id: it may have been distributed in part, and is distributed again under that id. The mark
 * does not expire with the message. Refused messages are not marked.
 *
 * [MQTT-4.3.3-10 v5, MQTT-4.3.3-13 v5, MQTT-4.3.3-9 v5]
 *
 * @returns no messages where the client has moved to another connection meanwhile.
 */
async function acceptQos2(
  context: Context,
  connection: Connection,
  judged: readonly Judged<PublishPacket>[],
): Promise<Accepted> {
  await unmarkRefused(context, connection, judged);
  const messages = new Map<Message, Message>();
  const again = new Set<string>();
  const begun = new Set<string>();
  const marked = await Promise.all(
    judged.map(async (one) => {
      if (!('message' in one)) return [];
      const { request, message } = one;
      if (request.qos < 2 || request.messageId === undefined) return [[message, message] as const];
      const { messageId, first } = await context.receivedMarks.put(
        connection,
        connection.generation,
        request.messageId,
        message.id,
      );
      (first ? begun : again).add(messageId);
      return [[message, { ...message, id: messageId }] as const];
    }),
  );
  if (begun.size > 0 && (await isSuperseded(context, connection))) return { messages, again };
  for (const [message, accepted] of marked.flat()) messages.set(message, accepted);
  // A message that occurs twice in the run has not been distributed before.
  for (const id of begun) again.delete(id);
  return { messages, again };
}

/**
 * Deletes the marks of messages that are refused when they are sent again, since permissions and
 * quotas change. The packet identifier then belongs to a new message, which the mark would take for
 * the previous one.
 *
 * [MQTT-4.3.3-9 v5]
 */
async function unmarkRefused(
  context: Context,
  connection: Connection,
  judged: readonly Judged<PublishPacket>[],
): Promise<void> {
  await Promise.all(
    judged.map(async (one) => {
      const { qos, dup, messageId } = one.request;
      if ('refusal' in one && qos === 2 && dup && messageId !== undefined)
        await context.receivedMarks.delete(connection, connection.generation, messageId);
    }),
  );
}

/**
 * Reads the session after the marks are written: a frame may be handled so late that its client has
 * finished the exchange of the same packet identifier on another connection. That mark is gone, and
 * the new one would start the exchange a second time.
 */
async function isSuperseded(context: Context, connection: Connection): Promise<boolean> {
  const session = await context.sessions.get(connection);
  return (
    session?.generation !== connection.generation ||
    (session.address ?? connection.address) !== connection.address
  );
}

/**
 * PUBACK at QoS 1, PUBREC at QoS 2, with the packet identifier of the PUBLISH. A quota is named in
 * the Reason String where the client requests problem information.
 *
 * [MQTT-3.1.2-29 v5, MQTT-3.3.4-1 v3+v5, MQTT-2.3.1-6 v3, MQTT-2.2.1-5 v5]
 */
function acknowledge(connection: Connection, result: PublishResult<PublishPacket>): ServerPacket[] {
  const { protocolVersion, requestProblemInformation } = connection;
  const { qos, messageId } = result.request;
  if (qos === 0 || messageId === undefined) return [];
  const cmd = qos === 1 ? 'puback' : 'pubrec';
  if (!('refusal' in result)) {
    const { success, noMatchingSubscribers } = reasonCodes;
    const { code } = result.subscribers === 0 ? noMatchingSubscribers : success;
    return [protocolVersion < 5 ? { cmd, messageId } : { cmd, messageId, reasonCode: code }];
  }
  const { kind, reasonCode, message } = result.refusal;
  if (endsConnection(connection, result.request, result.refusal)) return [];
  if (protocolVersion < 5) return [{ cmd, messageId }];
  const tellsQuota = requestProblemInformation && kind !== 'not-authorized' && kind !== 'payload-format';
  const properties = tellsQuota ? { properties: { reasonString: message } } : {};
  return [{ cmd, messageId, reasonCode, ...properties }];
}
