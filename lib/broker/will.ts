import { mayPublish } from '../auth/index.ts';
import type { Context } from '../core/context.ts';
import type { Will } from '../core/model.ts';
import type { Permissions } from '../core/permissions.ts';
import type { AuthFailure } from '../core/ports.ts';
import { type ConnectPacket, reasonCodes } from '../mqtt/index.ts';
import { validateTopicName } from '../topics/index.ts';
import { messageProperties } from './message.ts';

/**
 * The Will of a CONNECT, if it has one that this client may publish; retained or not, as it says [MQTT-3.1.2-16 v3,
 * MQTT-3.1.2-17 v3, MQTT-3.1.2-14 v5, MQTT-3.1.2-15 v5], its user properties in their order [MQTT-3.1.3-10 v5].
 */
export function willOf(
  context: Context,
  clientId: string,
  permissions: Permissions,
  will: ConnectPacket['will'],
): Will | AuthFailure | undefined {
  if (will === undefined) return undefined;
  const topicError = validateTopicName(will.topic);
  if (topicError !== undefined)
    return {
      code: topicError.code,
      message: `the topic of the Will: ${topicError.message}`,
      reasonCode: reasonCodes.topicNameInvalid.code,
    };
  if (will.topic.startsWith('$') || !mayPublish(permissions, will.topic, will.qos, will.retain))
    return {
      code: 'will-not-authorized',
      message: 'the client may not publish its Will',
      reasonCode: reasonCodes.notAuthorized.code,
    };
  const expiry = will.properties?.messageExpiryInterval;
  return {
    delaySeconds: will.properties?.willDelayInterval ?? 0,
    ...(expiry === undefined ? {} : { messageExpirySeconds: expiry }),
    message: {
      id: context.ids.unique(),
      topic: will.topic,
      payload: will.payload,
      qos: will.qos,
      retain: will.retain,
      properties: messageProperties(will.properties),
      publisher: clientId,
    },
  };
}
