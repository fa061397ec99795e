import { mayPublish, type Permissions } from '../auth/index.ts';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Message } from '../core/model.ts';
import type { PublishRefusal } from '../core/publish-refusal.ts';
import type { ClientQuotas } from '../core/quotas.ts';
import { type PublishPacket, payloadFormatError, reasonCodes } from '../mqtt/index.ts';
import { validateTopicName } from '../topics/index.ts';
import { messageProperties } from './message.ts';

/** What somebody asks to have published, over MQTT or HTTP. */
export type PublishRequest = Pick<PublishPacket, 'topic' | 'payload' | 'qos' | 'retain' | 'properties'>;

/** Who asks: a connected client, or the bearer of a token. */
export interface Publisher {
  /** For No Local; absent where no client publishes. */
  readonly clientId?: string;
  readonly permissions: Permissions;
  /** What the token narrows of the tenant's quotas. */
  readonly quotas?: ClientQuotas;
}

/** Judges a request by the rules that hold for every way of publishing, and makes the message of one that passes. */
export function judgePublish(
  context: Context,
  { clientId, permissions }: Publisher,
  request: PublishRequest,
): Message | PublishRefusal {
  const topicError = validateTopicName(request.topic);
  if (topicError !== undefined) return { ...topicError, kind: 'invalid' };
  const responseTopic = request.properties?.responseTopic;
  if (responseTopic !== undefined && validateTopicName(responseTopic) !== undefined)
    return responseTopicInvalid;
  if (!mayPublishTo(permissions, request)) {
    context.log.count(metrics.publishesNotAuthorized);
    return notAuthorized;
  }
  if (payloadFormatError(request) !== undefined) return payloadFormatInvalid;
  const expirySeconds = request.properties?.messageExpiryInterval;
  return {
    id: context.ids.unique(),
    topic: request.topic,
    payload: request.payload,
    qos: request.qos,
    retain: request.retain,
    properties: messageProperties(request.properties),
    ...(clientId === undefined ? {} : { publisher: clientId }),
    ...(expirySeconds === undefined ? {} : { expiresAtMs: context.clock.nowMs() + expirySeconds * 1000 }),
  };
}

/** Topics that begin with `$` belong to the server: clients may only read them (section 4.7.2). */
function mayPublishTo(permissions: Permissions, { topic, qos, retain }: PublishRequest): boolean {
  return !topic.startsWith('$') && mayPublish(permissions, topic, qos, retain);
}

/** [MQTT-3.3.2-14 v5] */
const responseTopicInvalid: PublishRefusal = {
  kind: 'invalid',
  code: 'response-topic-invalid',
  message: 'the response topic is not a topic name',
  reasonCode: reasonCodes.topicNameInvalid.code,
};

const notAuthorized: PublishRefusal = {
  kind: 'not-authorized',
  code: 'publish-not-authorized',
  message: 'the client may not publish to this topic',
  reasonCode: reasonCodes.notAuthorized.code,
};

const payloadFormatInvalid: PublishRefusal = {
  kind: 'payload-format',
  code: 'payload-format-invalid',
  message: 'the payload is said to be UTF-8 and is not',
  reasonCode: reasonCodes.payloadFormatInvalid.code,
};
