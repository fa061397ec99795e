import type { Context } from '../../core/context.ts';
import type { Will } from '../../core/model.ts';
import { type Refusal, refusal } from '../../core/reasons.ts';
import { willRefusal } from '../../limits/publish-quotas.ts';
import { type ConnectPacket, reasonCodes } from '../../mqtt/index.ts';
import { validateTopicName } from '../../topics/index.ts';
import { mayPublishTo, messageProperties } from '../judge-publish.ts';
import type { Holding, Permitted, Refused, WillJudged } from './admission.ts';

/** Judges the Will of a CONNECT by the client's permissions and quotas. */
export async function judgeWill(context: Context, known: Permitted): Promise<WillJudged | Refused> {
  const { identity, packet, quotas } = known;
  if (packet.will === undefined) return { ...known, will: undefined };
  const error = willError(known, packet.will);
  if (error !== undefined) return { refusal: error };
  const will = willFrom(context, known, packet.will);
  const overQuota = await willRefusal(context, identity.tenant, quotas, will);
  if (overQuota === undefined) return { ...known, will };
  return { refusal: refusal(overQuota.code, 'the Will') };
}

type PacketWill = NonNullable<ConnectPacket['will']>;

function willError({ permissions }: Permitted, will: PacketWill): Refusal | undefined {
  const topicError = validateTopicName(will.topic);
  if (topicError !== undefined)
    return { ...refusal(topicError.code, 'the Will'), reasonCode: reasonCodes.topicNameInvalid.code };
  return mayPublishTo(permissions, will) ? undefined : refusal('will-not-authorized');
}

/**
 * The Will as it is kept: with its RETAIN flag and its user properties in their order.
 *
 * [MQTT-3.1.2-16 v3, MQTT-3.1.2-17 v3, MQTT-3.1.2-14 v5, MQTT-3.1.2-15 v5, MQTT-3.1.3-10 v5]
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
 * Stores the Will, then reads the session: a connection that has lost its session before its
 * CONNACK leaves no Will. A connection that takes the session later finds the row, which stays with
 * the session [MQTT-3.1.2-7 v5].
 */
export async function keepWill(context: Context, known: Holding): Promise<Holding> {
  const { connection, will } = known;
  if (will === undefined) return known;
  await context.wills.put(connection, connection.address, connection.generation, will);
  const session = await context.sessions.get(connection);
  if (session?.address !== connection.address) await context.wills.take(connection, connection.address);
  return known;
}
