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

/**
 * Writes a PUBLISH without properties, which in 5.0 has a property length of 0.
 *
 * @returns undefined if it has properties or is malformed: the general encoder takes it.
 */
export function writePublish(packet: PublishPacket, version: ProtocolVersion): Buffer | undefined {
  const { topic, payload, qos, dup, retain, messageId, properties } = packet;
  if (version === 5 && properties !== undefined)
    for (const value of Object.values(properties)) if (value !== undefined) return undefined;
  const topicBytes = Buffer.byteLength(topic);
  // The length of a topic name has two bytes.
  if (topicBytes > 0xffff || (qos > 0 && messageId === undefined)) return undefined;
  const length = 2 + topicBytes + (qos > 0 ? 2 : 0) + (version === 5 ? 1 : 0) + payload.length;
  const header = 1 + lengthBytes(length);
  const bytes = Buffer.allocUnsafe(header + length);
  bytes[0] = 0x30 | (dup ? 0x08 : 0) | (qos << 1) | (retain ? 0x01 : 0);
  let rest = length;
  for (let at = 1; at < header; at += 1) {
    bytes[at] = (rest & 0x7f) | (at < header - 1 ? 0x80 : 0);
    rest >>>= 7;
  }
  let at = bytes.writeUInt16BE(topicBytes, header);
  at += bytes.write(topic, at);
  if (qos > 0) at = bytes.writeUInt16BE(messageId ?? 0, at);
  if (version === 5) at = bytes.writeUInt8(0, at);
  bytes.set(payload, at);
  return bytes;
}

/** Bytes of a Remaining Length. */
function lengthBytes(length: number): number {
  if (length < 2 ** 7) return 1;
  if (length < 2 ** 14) return 2;
  return length < 2 ** 21 ? 3 : 4;
}

/** [MQTT-2.3.1-1 v3, MQTT-2.2.1-3 v5] */
export function readPacketIdentifier(reader: ByteReader): number {
  const identifier = reader.twoByteInteger();
  if (identifier === 0) throw new MqttRefusal('packet-identifier-zero');
  return identifier;
}
