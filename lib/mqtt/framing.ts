import { MqttRefusal } from './errors.ts';
import { ByteReader } from './properties.ts';
import type { PacketCmd, ProtocolVersion } from './types.ts';

/** The fixed header of control packets, and where one packet ends and the next begins. */

/** Bounds of what is decoded. */
export interface DecodeLimits {
  /** Bytes of a whole packet, fixed header included. */
  readonly maxPacketBytes: number;
}

export const mqttLimits: DecodeLimits = {
  /**
   * API Gateway carries at most 128 KB in a WebSocket message; CONNACK announces this as Maximum
   * Packet Size.
   */
  maxPacketBytes: 131_072,
};

const packetTypes: readonly (PacketCmd | undefined)[] = [
  undefined,
  'connect',
  'connack',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'subscribe',
  'suback',
  'unsubscribe',
  'unsuback',
  'pingreq',
  'pingresp',
  'disconnect',
  'auth',
];
const serverOnly: ReadonlySet<PacketCmd> = new Set(['connack', 'suback', 'unsuback', 'pingresp']);

/** MQTT 3.1 sets DUP on retransmissions of these packets; 3.1.1 forbids it. */
const dupInMqtt31: ReadonlySet<PacketCmd> = new Set(['pubrel', 'subscribe', 'unsubscribe']);

/** Offsets of a packet's contents. */
export interface Frame {
  readonly start: number;
  readonly end: number;
  /** Whether the remaining length is encoded in the fewest bytes. */
  readonly minimal: boolean;
}

/**
 * Finds the bounds of the packet at `at` (sections 2.2.3 of 3.1.1, 2.1.4 of 5.0) and enforces the
 * maximum packet size. [MQTT-3.2.2-15 v5]
 */
export function frame(source: Buffer, at: number, limits: DecodeLimits): Frame {
  let length = 0;
  for (let i = 0; i < 4; i++) {
    const byte = source[at + 1 + i];
    if (byte === undefined) throw new MqttRefusal('partial-packet');
    length += (byte & 0x7f) * 0x80 ** i;
    if (byte >= 0x80) continue;
    const start = at + 2 + i;
    const end = start + length;
    if (end - at > limits.maxPacketBytes) throw new MqttRefusal('packet-too-large');
    if (end > source.length) throw new MqttRefusal('partial-packet');
    return { start, end, minimal: i === 0 || byte !== 0 };
  }
  throw new MqttRefusal('malformed-length');
}

/** Checks the first byte and returns it in the form that the parser accepts. */
export function checkFixedHeader(
  first: number,
  type: PacketCmd | undefined,
  version: ProtocolVersion | undefined,
): number {
  if (type === undefined || (type === 'auth' && version !== undefined && version < 5)) {
    throw new MqttRefusal('reserved-packet-type');
  }
  if (serverOnly.has(type)) throw new MqttRefusal('server-only-packet');
  if (version === undefined && type !== 'connect') throw new MqttRefusal('connect-expected');
  if (version !== undefined && type === 'connect') throw new MqttRefusal('connect-repeated');
  if (type === 'publish') {
    const qos = (first >> 1) & 0x03;
    // [MQTT-3.3.1-4 v3+v5]
    if (qos === 3) throw new MqttRefusal('invalid-qos');
    // [MQTT-3.3.1-2 v3+v5]
    if (qos === 0 && (first & 0x08) !== 0) throw new MqttRefusal('dup-at-qos-0');
  }
  return version === 3 && dupInMqtt31.has(type) ? first & ~0x08 : first;
}

export function withFirstByte(packet: Buffer, first: number): Buffer {
  if (packet[0] === first) return packet;
  const copy = Buffer.from(packet);
  copy[0] = first;
  return copy;
}

/**
 * The protocol level of a CONNECT, as the version whose form its sender is likely to understand.
 */
export function peekVersion(body: Buffer): ProtocolVersion | undefined {
  try {
    const reader = new ByteReader(body);
    reader.binary();
    // Bit 7: a bridge.
    const level = reader.byte() & 0x7f;
    return level === 3 ? 3 : level < 5 ? 4 : 5;
  } catch {
    return undefined;
  }
}

/** Type of the packet that begins with this byte; undefined for the reserved type 0. */
export function packetTypeOf(first: number): PacketCmd | undefined {
  return packetTypes[first >> 4];
}
