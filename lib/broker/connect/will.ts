import { mayPublish } from '../../auth/index.ts';
import type { Context } from '../../core/context.ts';
import type { Will } from '../../core/model.ts';
import { willRefusal } from '../../limits/publish-quotas.ts';
import { type ConnectPacket, reasonCodes } from '../../mqtt/index.ts';
import type { Refusal } from '../../sessions/outcome.ts';
import { validateTopicName } from '../../topics/index.ts';
import { messageProperties } from '../message.ts';
import type { Holding, Permitted, Refused, WillJudged } from './admission.ts';

/** Judges the Will of a CONNECT by the client's permissions and quotas. */
export async function judgeWill(context: Context, known: Permitted): Promise<WillJudged | Refused> {
  const { identity, packet, quotas } = known;
  if (packet.will === undefined) return { ...known, will: undefined };
  const refusal = willError(known, packet.will);
  if (refusal !== undefined) return { refusal };
  const will = willFrom(context, known, packet.will);
  const overQuota = await willRefusal(context, identity.tenant, quotas, will);
  if (overQuota === undefined) return { ...known, will };
  return { refusal: { ...overQuota, message: `the Will: ${overQuota.message}` } };
}

type PacketWill = NonNullable<ConnectPacket['will']>;

function willError({ permissions }: Permitted, { topic, qos, retain }: PacketWill): Refusal | undefined {
  const topicError = validateTopicName(topic);
  if (topicError !== undefined) {
    const { code, message } = topicError;
    return {
      code,
      message: `the topic of the Will: ${message}`,
      reasonCode: reasonCodes.topicNameInvalid.code,
    };
  }
  return topic.startsWith('$') || !mayPublish(permissions, topic, qos, retain) ? notAuthorized : undefined;
}

const notAuthorized: Refusal = {
  code: 'will-not-authorized',
  message: 'the client may not publish its Will',
  reasonCode: reasonCodes.notAuthorized.code,
};

/**
 * The Will as it is kept: with its RETAIN flag [MQTT-3.1.2-16 v3, MQTT-3.1.2-17 v3, MQTT-3.1.2-14 v5, MQTT-3.1.2-15 v5]
 * and its user properties in their order [MQTT-3.1.3-10 v5].
 */
function willFrom(context: Context, { clientId }: Permitted, will: PacketWill): Will {
  const { topic, payload, qos, retain, properties } = will;
  const expirySeconds = properties?.messageExpiryInterval;
  return {
    delaySeconds: properties?.willDelayInterval ?? 0,
    ...(expirySeconds === undefined ? {} : { messageExpirySeconds: expirySeconds }),
    message: {
      id: context.ids.unique(),
      topic,
      payload,
      qos,
      retain,
      properties: messageProperties(properties),
      publisher: clientId,
    },
  };
}

/**
 * Stores the Will, then reads the session: a connection that has lost its session before its CONNACK leaves no Will.
 * A connection that takes the session later finds the row, which stays with the session [MQTT-3.1.2-7 v5].
 */
export async function keepWill(context: Context, known: Holding): Promise<Holding> {
  const { connection, will } = known;
  if (will === undefined) return known;
  await context.wills.put(connection, connection.address, connection.generation, will);
  const session = await context.sessions.get(connection);
  if (session?.address !== connection.address) await context.wills.take(connection, connection.address);
  return known;
}
