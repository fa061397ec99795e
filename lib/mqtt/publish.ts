import { MqttRefusal } from './errors.ts';
import { ByteReader, readProperties } from './properties.ts';
import type { ProtocolVersion, PublishPacket, QoS } from './types.ts';

/**
 * Reads the contents of PUBLISH (section 3.3), behind the fixed header. Every message is one, so it
 * takes no general parser. The payload is the rest of the packet, a view.
 *
 * @param first the first byte, checked.
 * @throws MqttRefusal
 *
 * - A PUBLISH at QoS 0 has no packet identifier. [MQTT-2.3.1-5 v3, MQTT-2.2.1-2 v5]
 */
export function readPublish(contents: Buffer, first: number, version: ProtocolVersion): PublishPacket {
  const reader = new ByteReader(contents);
  const topic = reader.text();
  const qos = ((first >> 1) & 0x03) as QoS;
  const messageId = qos > 0 ? readPacketIdentifier(reader) : undefined;
  const properties = version === 5 ? readProperties(reader, 'publish') : undefined;
  const hasProperties = properties !== undefined && Object.keys(properties).length > 0;
  return {
    cmd: 'publish',
    topic,
    payload: contents.subarray(reader.at),
    qos,
    dup: (first & 0x08) !== 0,
    retain: (first & 0x01) !== 0,
    ...(messageId !== undefined && { messageId }),
    ...(hasProperties && { properties }),
  };
}

/** [MQTT-2.3.1-1 v3, MQTT-2.2.1-3 v5] */
export function readPacketIdentifier(reader: ByteReader): number {
  const identifier = reader.twoByteInteger();
  if (identifier === 0) throw new MqttRefusal('packet-identifier-zero');
  return identifier;
}
