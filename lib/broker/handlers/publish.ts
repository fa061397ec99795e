import type { Context } from '../../core/context.ts';
import { metrics } from '../../core/metrics.ts';
import type { Connection, Message } from '../../core/model.ts';
import type { PublishRefusal } from '../../core/publish-refusal.ts';
import { narrowed } from '../../core/quotas.ts';
import { type Accepted, type Judged, type PublishResult, publishMessages } from '../../delivery/publish.ts';
import { writeRateUse } from '../../limits/publish-quotas.ts';
import { type PublishPacket, reasonCodes, type ServerPacket } from '../../mqtt/index.ts';
import { type End, endWith, type Outcome } from '../../sessions/outcome.ts';
import { judgePublish } from '../judge-publish.ts';
import { resolveTopics } from '../topic-aliases.ts';
import type { Peer, Run } from './handler.ts';

/**
 * A run of PUBLISH packets, handled together: one matching, one write per queue and one post per subscriber for all of
 * them, in their order [MQTT-4.6.0-5 v5]. Acknowledgements follow when every copy is durable (at QoS 1 and 2) [MQTT-4.3.2-4 v5,
 * MQTT-4.3.3-8 v5, MQTT-4.3.2-2 v3, MQTT-4.3.3-2 v3]. A QoS 1 message that is sent again is another one [MQTT-4.3.2-5 v5].
 *
 * A packet that ends the connection ends it after those before it have been published and acknowledged.
 *
 * Run again after a crash: at QoS 1 subscribers may get the messages twice; at QoS 2 the mark kept for the packet
 * identifier gives the message the same id again, and each queue takes an id once.
 */
export async function handlePublishes(
  { context, connection, live }: Peer,
  packets: Run<PublishPacket>,
): Promise<Outcome> {
  context.log.count(metrics.messagesReceived, packets.length);
  const resolved = await resolveTopics(context, connection, packets);
  const limited = await withinReceiveMaximum(context, connection, resolved.packets);
  const { tenant, quotas, address, rateUse } = connection;
  const results = await publishMessages(context, {
    tenant,
    live,
    requests: limited.packets,
    judge: (packet) => judgePublish(context, connection, packet),
    bearer: { quotas: narrowed(live.quotas, quotas), client: { name: address, use: rateUse } },
    endsRun: (refusal, packet) => endsConnection(connection, packet, refusal),
    accept: (judged) => acceptQos2(context, connection, judged),
  });
  if (results.some((result) => 'subscribers' in result && result.subscribers === undefined))
    return superseded(connection);
  await writeRateUse(context, connection);
  const end = refusalThatEnds(connection, results) ?? limited.end ?? resolved.end;
  return {
    connection: resolved.connection,
    replies: results.flatMap((result) => acknowledge(connection, result)),
    ...(end === undefined ? {} : { end }),
  };
}

/**
 * 5.0 tells a refusal in the acknowledgement. Earlier versions have no word for it: acknowledging would be a lie, so the
 * connection is closed [MQTT-3.3.5-2 v3]. QoS 0 has no acknowledgement in either: the message is dropped and counted, but
 * a client that publishes too fast is told by the end of its connection.
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
  const { request, refusal } = last;
  if (!endsConnection(connection, request, refusal)) return undefined;
  const { messageRateTooHigh } = reasonCodes;
  const reasonCode = refusal.kind === 'rate' ? messageRateTooHigh.code : refusal.reasonCode;
  return endWith(connection.protocolVersion, { ...refusal, reasonCode });
}

/**
 * A frame is handled to its end before the next is accepted, so what is unacknowledged is what this run holds at QoS 1
 * and 2, and the QoS 2 messages that wait for PUBREL. More than Receive Maximum ends the connection with 0x93
 * [MQTT-3.3.4-7 v5]; packets up to it are handled.
 */
async function withinReceiveMaximum(
  context: Context,
  connection: Connection,
  packets: readonly PublishPacket[],
): Promise<{ packets: readonly PublishPacket[]; end?: End }> {
  if (connection.protocolVersion < 5) return { packets };
  const { receiveMaximum } = context.settings;
  const waiting = packets.some(({ qos }) => qos === 2)
    ? await context.receivedMarks.count(connection, receiveMaximum)
    : 0;
  let unacknowledged = waiting;
  for (const [index, packet] of packets.entries()) {
    // A message sent again was counted when it first came.
    if (packet.qos > 0 && !packet.dup) unacknowledged += 1;
    if (unacknowledged > receiveMaximum)
      return {
        packets: packets.slice(0, index),
        end: endWith(5, {
          code: 'receive-maximum-exceeded',
          message: `more than ${receiveMaximum} messages are unacknowledged`,
          reasonCode: reasonCodes.receiveMaximumExceeded.code,
        }),
      };
  }
  return { packets };
}

/**
 * Marks the packet identifiers of QoS 2 messages as received and gives a message that is sent again the id it had
 * [MQTT-4.3.3-10 v5]. The mark does not expire with the message [MQTT-4.3.3-13 v5]; what is refused is not marked
 * [MQTT-4.3.3-9 v5].
 * A message marked before this call may have been distributed in part: it is distributed again under its id.
 * @returns nothing to publish where the client has moved to another connection meanwhile.
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
  // One that comes twice within a run has not been distributed before.
  for (const id of begun) again.delete(id);
  return { messages, again };
}

/**
 * A message that was taken when it first came may be refused when it is sent again: rights and quotas change. Its packet
 * identifier then stands for a new message [MQTT-4.3.3-9 v5], which the old mark would pass off as the one before.
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
 * Write yours, then read theirs: a frame may be handled so late that its client has come back on another connection and
 * finished the exchange of the same packet identifier there. Its mark is gone then, and this one would begin it anew.
 */
async function isSuperseded(context: Context, connection: Connection): Promise<boolean> {
  const session = await context.sessions.get(connection);
  return (
    session?.generation !== connection.generation ||
    (session.address ?? connection.address) !== connection.address
  );
}

function superseded({ protocolVersion }: Connection): Outcome {
  return {
    replies: [],
    end: endWith(protocolVersion, {
      code: 'session-taken-over',
      message: 'the session belongs to another connection',
      reasonCode: reasonCodes.sessionTakenOver.code,
    }),
  };
}

/**
 * Nothing, PUBACK or PUBREC, as its QoS demands, with the packet identifier of the PUBLISH [MQTT-3.3.4-1 v3+v5, MQTT-2.3.1-6 v3,
 * MQTT-2.2.1-5 v5]. A quota says which it is, where the client wants to know [MQTT-3.1.2-29 v5].
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
  const { refusal } = result;
  if (endsConnection(connection, result.request, refusal)) return [];
  if (protocolVersion < 5) return [{ cmd, messageId }];
  const tells =
    requestProblemInformation && refusal.kind !== 'not-authorized' && refusal.kind !== 'payload-format';
  return [
    {
      cmd,
      messageId,
      reasonCode: refusal.reasonCode,
      ...(tells ? { properties: { reasonString: refusal.message } } : {}),
    },
  ];
}
