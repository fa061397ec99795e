import type { Context } from '../../core/context.ts';
import { metrics } from '../../core/metrics.ts';
import type { Connection, Message, TenantLive } from '../../core/model.ts';
import { narrowed } from '../../core/quotas.ts';
import { publishedUsage, publishMessages } from '../../delivery/publish.ts';
import { quotaRefusals, writeRateUse } from '../../limits/publish-quotas.ts';
import { type PublishPacket, reasonCodes, type ServerPacket } from '../../mqtt/index.ts';
import { type End, endWith, type Outcome } from '../../sessions/outcome.ts';
import { judgePublish } from '../judge-publish.ts';
import { type ResolvedTopics, resolveTopics } from '../topic-aliases.ts';
import type { Peer, Run } from './handler.ts';

/** One PUBLISH of a run, judged: published, or refused with a reason code. */
interface Judged {
  readonly packet: PublishPacket;
  readonly message?: Message;
  readonly reasonCode: number;
  /** Which quota refuses it, for the Reason String. */
  readonly reason?: string;
}

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
  const { judged, end: refusal } = judgeAll(context, connection, resolved);
  const limited = await withinReceiveMaximum(context, connection, judged);
  const allowed = await withinQuotas(context, connection, live, limited.judged);
  await unmarkRefused(context, connection, allowed.judged);
  const marked = await markQos2(context, connection, allowed.judged);
  if (marked.begun > 0 && (await isSuperseded(context, connection))) return superseded(connection);
  const counts = await publishMessages(context, connection.tenant, live, marked.messages, {
    again: marked.again,
  });
  const countById = new Map(marked.messages.map((message, index) => [message.id, counts[index] ?? 0]));
  context.usage.count(connection.tenant, publishedUsage(marked.messages));
  await writeRateUse(context, connection);
  const end = allowed.end ?? limited.end ?? refusal ?? resolved.end;
  return {
    connection: resolved.connection,
    replies: allowed.judged.flatMap((one, index) =>
      acknowledge(connection, one, countById.get(marked.ids[index] ?? '')),
    ),
    ...(end === undefined ? {} : { end }),
  };
}

function judgeAll(
  context: Context,
  connection: Connection,
  { packets }: ResolvedTopics,
): { judged: Judged[]; end?: End } {
  const judged: Judged[] = [];
  for (const packet of packets) {
    const verdict = judge(context, connection, packet);
    if ('will' in verdict) return { judged, end: verdict };
    judged.push(verdict);
  }
  return { judged };
}

/**
 * Not authorised: 5.0 says so in the acknowledgement. Earlier versions have no word for it: acknowledging would be a
 * lie, so the connection is closed [MQTT-3.3.5-2 v3]. QoS 0 has no acknowledgement in either: the message is dropped
 * and counted.
 */
function judge(context: Context, connection: Connection, packet: PublishPacket): Judged | End {
  const { protocolVersion } = connection;
  const verdict = judgePublish(context, connection, packet);
  if (!('kind' in verdict)) return { packet, reasonCode: reasonCodes.success.code, message: verdict };
  const { kind, reasonCode } = verdict;
  const ends = kind === 'invalid' || (kind === 'not-authorized' && packet.qos > 0 && protocolVersion < 5);
  return ends ? endWith(protocolVersion, verdict) : { packet, reasonCode };
}

/**
 * A frame is handled to its end before the next is accepted, so what is unacknowledged is what this run holds at QoS 1
 * and 2, and the QoS 2 messages that wait for PUBREL. More than Receive Maximum ends the connection with 0x93
 * [MQTT-3.3.4-7 v5]; packets up to it are handled.
 */
async function withinReceiveMaximum(
  context: Context,
  connection: Connection,
  judged: readonly Judged[],
): Promise<{ judged: readonly Judged[]; end?: End }> {
  if (connection.protocolVersion < 5) return { judged };
  const { receiveMaximum } = context.settings;
  const waiting = judged.some(({ packet }) => packet.qos === 2)
    ? await context.receivedMarks.count(connection, receiveMaximum)
    : 0;
  let unacknowledged = waiting;
  for (const [index, { packet }] of judged.entries()) {
    // A message sent again was counted when it first came.
    if (packet.qos > 0 && !packet.dup) unacknowledged += 1;
    if (unacknowledged > receiveMaximum)
      return {
        judged: judged.slice(0, index),
        end: endWith(5, {
          code: 'receive-maximum-exceeded',
          message: `more than ${receiveMaximum} messages are unacknowledged`,
          reasonCode: reasonCodes.receiveMaximumExceeded.code,
        }),
      };
  }
  return { judged };
}

/**
 * Refuses what the tenant's quotas do not allow: 5.0 says so with 0x97 in the acknowledgement, or ends the connection
 * with 0x96 where a message at QoS 0 comes too fast; earlier versions have no word for it and end the connection.
 */
async function withinQuotas(
  context: Context,
  connection: Connection,
  live: TenantLive,
  judged: readonly Judged[],
): Promise<{ judged: readonly Judged[]; end?: End }> {
  const messages = judged.flatMap(({ message }) => message ?? []);
  const { tenant, quotas, address, rateUse } = connection;
  const refused = await quotaRefusals(
    context,
    { tenant, quotas: narrowed(live.quotas, quotas), client: { name: address, use: rateUse } },
    messages,
  );
  if (refused.size === 0) return { judged };
  context.log.count(metrics.publishesOverQuota, refused.size);
  const allowed: Judged[] = [];
  for (const one of judged) {
    const refusal = one.message === undefined ? undefined : refused.get(one.message.id);
    if (refusal === undefined) {
      allowed.push(one);
      continue;
    }
    const { protocolVersion } = connection;
    if (one.packet.qos > 0 ? protocolVersion < 5 : refusal.isRate) {
      const reasonCode = refusal.isRate ? reasonCodes.messageRateTooHigh.code : refusal.reasonCode;
      return { judged: allowed, end: endWith(protocolVersion, { ...refusal, reasonCode }) };
    }
    allowed.push({ packet: one.packet, reasonCode: refusal.reasonCode, reason: refusal.message });
  }
  return { judged: allowed };
}

/**
 * A message that was taken when it first came may be refused when it is sent again: rights and quotas change. Its packet
 * identifier then stands for a new message [MQTT-4.3.3-9 v5], which the old mark would pass off as the one before.
 */
async function unmarkRefused(
  context: Context,
  connection: Connection,
  judged: readonly Judged[],
): Promise<void> {
  await Promise.all(
    judged.map(async ({ message, packet }) => {
      if (message === undefined && packet.qos === 2 && packet.dup && packet.messageId !== undefined)
        await context.receivedMarks.delete(connection, connection.generation, packet.messageId);
    }),
  );
}

/**
 * Marks the packet identifiers of QoS 2 messages as received and gives a message that is sent again the id it had
 * [MQTT-4.3.3-10 v5]. The mark does not expire with the message [MQTT-4.3.3-13 v5]; what is refused is not marked
 * [MQTT-4.3.3-9 v5].
 * A message marked before this call may have been distributed in part: it is distributed again under its id.
 */
async function markQos2(
  context: Context,
  connection: Connection,
  judged: readonly Judged[],
): Promise<{ ids: (string | undefined)[]; messages: Message[]; again: Set<string>; begun: number }> {
  const again = new Set<string>();
  const begun = new Set<string>();
  const marked = await Promise.all(
    judged.map(async ({ packet, message }) => {
      if (message === undefined || packet.qos < 2 || packet.messageId === undefined) return message;
      const { messageId, first } = await context.receivedMarks.put(
        connection,
        connection.generation,
        packet.messageId,
        message.id,
      );
      (first ? begun : again).add(messageId);
      return { ...message, id: messageId };
    }),
  );
  // One that comes twice within a run has not been distributed before.
  for (const id of begun) again.delete(id);
  const messages = new Map<string, Message>();
  for (const message of marked)
    if (message !== undefined && !messages.has(message.id)) messages.set(message.id, message);
  const ids = marked.map((message) => message?.id);
  return { ids, messages: [...messages.values()], again, begun: begun.size };
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
function acknowledge(
  { protocolVersion, requestProblemInformation }: Connection,
  { packet, reasonCode, reason }: Judged,
  subscribers: number | undefined,
): ServerPacket[] {
  if (packet.qos === 0 || packet.messageId === undefined) return [];
  const cmd = packet.qos === 1 ? 'puback' : 'pubrec';
  if (protocolVersion < 5) return [{ cmd, messageId: packet.messageId }];
  const code = subscribers === 0 ? reasonCodes.noMatchingSubscribers.code : reasonCode;
  const tells = reason !== undefined && requestProblemInformation;
  return [
    {
      cmd,
      messageId: packet.messageId,
      reasonCode: code,
      ...(tells ? { properties: { reasonString: reason } } : {}),
    },
  ];
}
