import type { MessageProperties } from '../core/model.ts';
import type { MessageProperties as PacketProperties } from '../mqtt/index.ts';

/**
 * The properties that travel with a message unaltered [MQTT-3.3.2-4 v5, MQTT-3.3.2-15 v5, MQTT-3.3.2-16 v5,
 * MQTT-3.3.2-17 v5, MQTT-3.3.2-18 v5, MQTT-3.3.2-20 v5].
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
