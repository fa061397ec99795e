import { generate, type Packet as LibraryPacket, writeToStream } from 'mqtt-packet';
import type { Packet, ProtocolVersion } from './types.ts';

// Otherwise the first packet waits until 65,536 small buffers exist: paid at every cold start.
writeToStream.cacheNumbers = false;

/**
 * One packet as bytes. Of CONNECT `packet.protocolVersion` decides the version, of all others the argument. What a version
 * does not have (properties, reason codes) is left out in 3.1.1; no properties are a length of 0 [MQTT-2.2.2-1 v5]; reserved bits
 * are 0 [MQTT-3.2.2-1 v5]. CONNACK takes `reasonCode` in 5.0, `returnCode` before.
 *
 * @throws Error when the packet cannot be written: a programming error, never the peer's.
 */
export function encodePacket(packet: Packet, protocolVersion: ProtocolVersion): Buffer {
  return generate(libraryForm(packet), { protocolVersion });
}

/** Bytes that {@link encodePacket} would make, without making them. */
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
 * One packet within the receiver's Maximum Packet Size. Reason string and user properties of the server's own answers are
 * left out where they do not fit [MQTT-3.2.2-19 v5, MQTT-3.2.2-20 v5, MQTT-3.4.2-2 v5, MQTT-3.4.2-3 v5, MQTT-3.5.2-2 v5,
 * MQTT-3.5.2-3 v5, MQTT-3.6.2-2 v5, MQTT-3.6.2-3 v5, MQTT-3.7.2-2 v5, MQTT-3.7.2-3 v5, MQTT-3.9.2-1 v5, MQTT-3.9.2-2 v5,
 * MQTT-3.11.2-1 v5, MQTT-3.11.2-2 v5, MQTT-3.14.2-3 v5, MQTT-3.14.2-4 v5, MQTT-3.15.2-2 v5, MQTT-3.15.2-3 v5]; a message is never altered. Undefined when
 * it does not fit at all: then it must not be sent [MQTT-3.1.2-24 v5], and a message counts as delivered [MQTT-3.1.2-25 v5].
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

/** The packet as mqtt-packet writes it: only Buffers, and user properties as a list of objects with one name each. */
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
    // A computed key makes even `__proto__` a property of its own.
    form.userProperties = form.userProperties.map(([name, value]: [string, string]) => ({ [name]: value }));
  }
  return form;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
