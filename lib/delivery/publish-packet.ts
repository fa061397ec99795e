import type { Message, Qos, Route } from '../core/model.ts';
import { encodePacket, type PublishPacket } from '../mqtt/index.ts';

/** One PUBLISH to one client. */
export interface Delivery {
  readonly message: Message;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
  /** Present at QoS 1 and 2. */
  readonly packetIdentifier?: number;
  readonly subscriptionIdentifiers: readonly number[];
}

/** @returns whether the message has passed its expiry interval and must not be delivered [MQTT-3.3.2-5 v5]. */
export function isExpired(message: Message, nowMs: number): boolean {
  return message.expiresAtMs !== undefined && message.expiresAtMs <= nowMs;
}

/**
 * The PUBLISH as this client is to get it: properties for 5.0 only, with the time that is left of the message's
 * expiry [MQTT-3.3.2-6 v5].
 * @param alias topic alias to send; `topicKnown` leaves the topic name out because the alias stands for it.
 */
export function encodeDelivery(
  delivery: Delivery,
  route: Route,
  nowMs: number,
  alias?: { readonly number: number; readonly topicKnown: boolean },
): Uint8Array {
  const { message } = delivery;
  const packet: PublishPacket = {
    cmd: 'publish',
    topic: alias?.topicKnown === true ? '' : message.topic,
    payload: Buffer.from(message.payload.buffer, message.payload.byteOffset, message.payload.byteLength),
    qos: delivery.qos,
    retain: delivery.retain,
    dup: delivery.dup,
    ...(delivery.packetIdentifier === undefined ? {} : { messageId: delivery.packetIdentifier }),
    ...(route.protocolVersion === 5 ? { properties: propertiesOf(delivery, nowMs, alias?.number) } : {}),
  };
  return encodePacket(packet, route.protocolVersion);
}

function propertiesOf(
  delivery: Delivery,
  nowMs: number,
  alias: number | undefined,
): NonNullable<PublishPacket['properties']> {
  const { properties, expiresAtMs } = delivery.message;
  const { correlationData, userProperties, ...plain } = properties;
  const identifiers = delivery.subscriptionIdentifiers;
  return {
    ...plain,
    ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }),
    ...(userProperties === undefined ? {} : { userProperties: [...userProperties] }),
    ...(expiresAtMs === undefined
      ? {}
      : { messageExpiryInterval: Math.max(0, Math.ceil((expiresAtMs - nowMs) / 1000)) }),
    ...(identifiers.length === 0 ? {} : { subscriptionIdentifier: [...identifiers] }),
    ...(alias === undefined ? {} : { topicAlias: alias }),
  };
}
