import { generate, type Packet as LibraryPacket, writeToStream } from 'mqtt-packet';
import { writePublish } from './publish.ts';
import type { Packet, ProtocolVersion, PubackPacket } from './types.ts';

// By default mqtt-packet creates 65,536 small buffers before the first packet: a cost of every cold
// start.
writeToStream.cacheNumbers = false;

/**
 * Encodes one packet. CONNECT has its version in `packet.protocolVersion`; for all other packets
 * the argument counts. In 3.1.1 properties and reason codes are left out. CONNACK takes
 * `reasonCode` in 5.0 and `returnCode` in earlier versions.
 *
 * - A packet without properties has a property length of 0. [MQTT-2.2.2-1 v5]
 * - Reserved bits are 0. [MQTT-3.2.2-1 v5]
 *
 * @throws Error when the packet cannot be encoded: a bug of the caller, never of the peer.
 */
export function encodePacket(packet: Packet, protocolVersion: ProtocolVersion): Buffer {
  const usual = encodeUsual(packet, protocolVersion);
  if (usual !== undefined) return usual;
  return generate(libraryForm(packet), { protocolVersion });
}

/**
 * Encodes what nearly every message is: a PUBLISH without properties, and its acknowledgements. The
 * general encoder takes four times the CPU.
 */
function encodeUsual(packet: Packet, version: ProtocolVersion): Buffer | undefined {
  if (packet.cmd === 'publish') return writePublish(packet, version);
  const first = acknowledgementBytes[packet.cmd as keyof typeof acknowledgementBytes];
  if (first === undefined) return undefined;
  const { messageId, reasonCode = 0, properties } = packet as PubackPacket;
  if (version === 5 && (reasonCode !== 0 || properties !== undefined)) return undefined;
  if (messageId === undefined) return undefined;
  return Buffer.from([first, 2, messageId >> 8, messageId & 0xff]);
}

/** First bytes. [MQTT-3.6.1-1 v3+v5] */
const acknowledgementBytes = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;

/** Size in bytes of the packet that {@link encodePacket} returns, without allocating it. */
export function encodedLength(packet: Packet, protocolVersion: ProtocolVersion): number {
  let bytes = 0;
  const counter = {
    write(chunk: Uint8Array | string): boolean {
      bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length;
      return true;
    },
    destroy(error: Error): never {
      throw error;
    },
  };
  writeToStream(libraryForm(packet), counter as unknown as NodeJS.WritableStream, { protocolVersion });
  return bytes;
}

/**
 * Encodes one packet within the receiver's Maximum Packet Size. Reason string and user properties
 * of the server's own answers are left out where they do not fit; a message is never altered.
 *
 * - Answers without reason string and user properties [MQTT-3.2.2-19 v5, MQTT-3.2.2-20 v5,
 *   MQTT-3.4.2-2 v5, MQTT-3.4.2-3 v5, MQTT-3.5.2-2 v5, MQTT-3.5.2-3 v5, MQTT-3.6.2-2 v5,
 *   MQTT-3.6.2-3 v5, MQTT-3.7.2-2 v5, MQTT-3.7.2-3 v5, MQTT-3.9.2-1 v5, MQTT-3.9.2-2 v5,
 *   MQTT-3.11.2-1 v5, MQTT-3.11.2-2 v5, MQTT-3.14.2-3 v5, MQTT-3.14.2-4 v5, MQTT-3.15.2-2 v5,
 *   MQTT-3.15.2-3 v5]
 * - A packet that is still too large must not be sent. [MQTT-3.1.2-24 v5]
 * - A message that is too large counts as delivered. [MQTT-3.1.2-25 v5]
 *
 * @returns undefined when the packet does not fit.
 */
export function encodePacketWithin(
  packet: Packet,
  protocolVersion: ProtocolVersion,
  maxPacketBytes: number,
): Buffer | undefined {
  const bytes = encodePacket(packet, protocolVersion);
  if (bytes.length <= maxPacketBytes) return bytes;
  if (packet.cmd === 'publish' || !('properties' in packet)) return undefined;
  const properties = { ...packet.properties, reasonString: undefined, userProperties: undefined };
  const bare = encodePacket({ ...packet, properties } as Packet, protocolVersion);
  return bare.length <= maxPacketBytes ? bare : undefined;
}

/**
 * The packet in the form that mqtt-packet writes: binary data as Buffer, user properties as a list
 * of objects with one member each.
 */
function libraryForm(packet: Packet): LibraryPacket {
  let form: Record<string, unknown> = packet as unknown as Record<string, unknown>;
  if ('properties' in packet && packet.properties !== undefined) {
    form = { ...form, properties: libraryProperties(packet.properties) };
  }
  switch (packet.cmd) {
    case 'publish':
      if (!Buffer.isBuffer(packet.payload)) form = { ...form, payload: asBuffer(packet.payload) };
      break;
    case 'connect': {
      const { will, password } = packet;
      if (password !== undefined) form = { ...form, password: asBuffer(password) };
      if (will !== undefined) {
        const properties = will.properties && libraryProperties(will.properties);
        form = { ...form, will: { ...will, payload: asBuffer(will.payload), properties } };
      }
      break;
    }
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
    case 'disconnect':
      if (packet.reasonCode === undefined) form = { ...form, reasonCode: 0 };
      break;
  }
  return form as unknown as LibraryPacket;
}

function libraryProperties(properties: object): object {
  const form: Record<string, unknown> = { ...properties };
  for (const name in form) {
    const value = form[name];
    if (value instanceof Uint8Array) form[name] = asBuffer(value);
  }
  if (Array.isArray(form.userProperties)) {
    // A computed key makes `__proto__` an own property too.
    form.userProperties = form.userProperties.map(([name, value]: [string, string]) => ({ [name]: value }));
  }
  return form;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
