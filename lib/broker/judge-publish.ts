import { mayPublish, type Permissions } from '../auth/index.ts';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Message, MessageProperties } from '../core/model.ts';
import type { PublishRefusal } from '../core/publish-refusal.ts';
import type { ClientQuotas } from '../core/quotas.ts';
import { refusal } from '../core/reasons.ts';
import {
  type MessageProperties as PacketProperties,
  type PublishPacket,
  payloadFormatError,
} from '../mqtt/index.ts';
import { exceedsLimits, validateTopicName } from '../topics/index.ts';

/** A request to publish a message, over MQTT or HTTP. */
export type PublishRequest = Pick<PublishPacket, 'topic' | 'payload' | 'qos' | 'retain' | 'properties'>;

/** The requester: a connected client, or the bearer of a token. */
export interface Publisher {
  /** For No Local; absent where no client publishes. */
  readonly clientId?: string;
  readonly permissions: Permissions;
  /** The quotas of the token, which narrow those of the tenant. */
  readonly quotas?: ClientQuotas;
}

/**
 * Judges a request by the rules that hold for every way of publishing. @returns the message, or why
 * it is refused.
 */
export function judgePublish(
  context: Context,
  { clientId, permissions }: Publisher,
  request: PublishRequest,
): Message | PublishRefusal {
  const { topic, payload, qos, retain, properties } = request;
  const topicError = validateTopicName(topic);
  if (topicError !== undefined) {
    if (!exceedsLimits(topicError)) return { ...topicError, kind: 'invalid' };
    context.log.count(metrics.publishesOverTopicLimits);
    return { ...topicError, kind: 'topic-limits' };
  }
  const responseTopic = properties?.responseTopic;
  if (responseTopic !== undefined && validateTopicName(responseTopic) !== undefined)
    return { ...refusal('response-topic-invalid'), kind: 'invalid' }; // [MQTT-3.3.2-14 v5]
  if (!mayPublishTo(permissions, request)) {
    context.log.count(metrics.publishesNotAuthorized);
    return { ...refusal('publish-not-authorized'), kind: 'not-authorized' };
  }
  if (payloadFormatError(request) !== undefined)
    return { ...refusal('payload-format-invalid'), kind: 'payload-format' };
  const expirySeconds = properties?.messageExpiryInterval;
  return {
    id: context.ids.unique(),
    topic,
    payload,
    qos,
    retain,
    properties: messageProperties(properties),
    ...(clientId === undefined ? {} : { publisher: clientId }),
    ...(expirySeconds === undefined ? {} : { expiresAtMs: context.clock.nowMs() + expirySeconds * 1000 }),
  };
}

/**
 * Whether a client may publish a message or a Will. Topics that begin with `$` belong to the server
 * (section 4.7.2).
 */
export function mayPublishTo(
  permissions: Permissions,
  { topic, qos, retain }: Pick<PublishRequest, 'topic' | 'qos' | 'retain'>,
): boolean {
  return !topic.startsWith('$') && mayPublish(permissions, topic, qos, retain);
}

/**
 * The properties that travel unaltered with a message.
 *
 * [MQTT-3.3.2-4 v5, MQTT-3.3.2-15 v5, MQTT-3.3.2-16 v5, MQTT-3.3.2-17 v5, MQTT-3.3.2-18 v5,
 * MQTT-3.3.2-20 v5]
 */
export function messageProperties(properties: PacketProperties | undefined): MessageProperties {
  if (properties === undefined) return {};
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties;
  return {
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(userProperties === undefined ? {} : { userProperties }),
  };
}
