import { isUtf8 } from 'node:buffer';
import { type MqttError, type MqttErrorCode, MqttRefusal, mqttError } from './errors.ts';
import {
  checkFixedHeader,
  type DecodeLimits,
  frame,
  mqttLimits,
  packetTypeOf,
  peekVersion,
  withFirstByte,
} from './framing.ts';
import { readPublish } from './publish.ts';
import { type RawPacket, StrictParser } from './strict-parser.ts';
import type { ClientPacket, PacketCmd, ProtocolVersion, PublishPacket, Will } from './types.ts';

/** What a client's bytes hold. */
export interface Decoded {
  /** The packets before the error, in order. Handle them first, then answer the error. */
  readonly packets: ClientPacket[];
  /** Size of each packet in bytes, fixed header included. */
  readonly sizes: number[];
  /**
   * Version of the packets, and of the answer to an error. For an unsupported protocol level it is
   * the nearest version (4 up to level 4, else 5). Absent when the bytes do not begin with a
   * CONNECT that names a level: close the connection without an answer.
   */
  readonly protocolVersion?: ProtocolVersion;
  readonly error?: MqttError;
}

/**
 * Decodes whole packets of a client; bytes that end inside a packet are the error `partial-packet`.
 * Without `protocolVersion` the first packet must be CONNECT, which sets the version for the rest;
 * with it a CONNECT is an error. [MQTT-3.1.0-1 v3+v5, MQTT-3.1.0-2 v3+v5]
 *
 * Never throws. Does not check topic names and filters (`lib/topics` does) or anything that depends
 * on the session. Payloads and binary properties are views of `bytes`.
 */
export function decodePackets(
  bytes: Uint8Array,
  protocolVersion: ProtocolVersion | undefined,
  limits: DecodeLimits = mqttLimits,
): Decoded {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packets: ClientPacket[] = [];
  const sizes: number[] = [];
  let version = protocolVersion;
  let parser: StrictParser | undefined;
  let parsed: RawPacket | undefined;
  let type: PacketCmd | undefined;
  let at = 0;
  try {
    while (at < source.length) {
      type = packetTypeOf(source[at] ?? 0);
      const first = checkFixedHeader(source[at] ?? 0, type, version);
      const { start, end, minimal } = frame(source, at, limits);
      if (type === 'connect') version = peekVersion(source.subarray(start, end));
      // 3.1.1 does not require the shortest form. [MQTT-1.5.5-1 v5]
      if (!minimal && version === 5) throw new MqttRefusal('malformed-length');

      if (type === 'publish') {
        packets.push(checkedPublish(readPublish(source.subarray(start, end), first, version ?? 4)));
        sizes.push(end - at);
        at = end;
        continue;
      }
      parser ??= new StrictParser().parser({ protocolVersion: version ?? 4 }).on('packet', (packet) => {
        parsed = packet;
      });
      parser.parse(withFirstByte(source.subarray(at, end), first));
      if (parsed === undefined) throw new MqttRefusal('malformed-packet');
      packets.push(checkedPacket(parsed, version ?? 4));
      sizes.push(end - at);
      at = end;
      parsed = undefined;
      type = undefined;
    }
  } catch (problem) {
    const error = asMqttError(problem, type);
    return { packets, sizes, ...(version !== undefined && { protocolVersion: version }), error };
  }
  return { packets, sizes, ...(version !== undefined && { protocolVersion: version }) };
}

/**
 * Bytes that make the parser throw are a malformed packet of their sender; they must not fail the
 * function for others.
 */
function asMqttError(problem: unknown, type: PacketCmd | undefined): MqttError {
  if (problem instanceof MqttRefusal) return mqttError(problem.code, type, problem.detail);
  return mqttError('malformed-packet', type);
}

/** Applies the rules that need the whole packet, and leaves out the parser's internal fields. */
function checkedPacket(raw: RawPacket, version: ProtocolVersion): ClientPacket {
  const { cmd, messageId = 0 } = raw;
  const properties = raw.properties !== undefined && { properties: raw.properties };
  const reason = version === 5 && { reasonCode: raw.reasonCode ?? 0 };
  switch (cmd) {
    case 'connect':
      return checkedConnect(raw, version);
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return { cmd, messageId, ...reason, ...properties };
    case 'subscribe': {
      const subscriptions = raw.subscriptions ?? [];
      // [MQTT-3.8.3-3 v3, MQTT-3.8.3-2 v5]
      if (subscriptions.length === 0) throw new MqttRefusal('no-filters');
      // [MQTT-3.8.3-4 v5]
      if (subscriptions.some(({ topic, nl }) => nl === true && topic.startsWith('$share/'))) {
        throw new MqttRefusal('no-local-on-shared');
      }
      return { cmd, messageId, subscriptions, ...properties };
    }
    case 'unsubscribe': {
      const unsubscriptions = raw.unsubscriptions ?? [];
      // [MQTT-3.10.3-2 v3+v5]
      if (unsubscriptions.length === 0) throw new MqttRefusal('no-filters');
      return { cmd, messageId, unsubscriptions, ...properties };
    }
    case 'pingreq':
      return { cmd };
    case 'disconnect':
      return { cmd, ...reason, ...properties };
    case 'auth':
      return { cmd, reasonCode: raw.reasonCode ?? 0, ...properties };
    default:
      throw new MqttRefusal('server-only-packet');
  }
}

function checkedPublish(packet: PublishPacket): PublishPacket {
  if (packet.qos === 0) refuseIf(payloadFormatError(packet));
  return packet;
}

function checkedConnect(raw: RawPacket, protocolVersion: ProtocolVersion): ClientPacket {
  const { will } = raw;
  if (will !== undefined) refuseIf(payloadFormatError(will as Will));
  return {
    cmd: 'connect',
    protocolId: raw.protocolId ?? 'MQTT',
    protocolVersion,
    ...(raw.bridgeMode && { bridgeMode: true }),
    clientId: raw.clientId ?? '',
    clean: raw.clean ?? false,
    keepalive: raw.keepalive ?? 0,
    ...(will !== undefined && { will: will as Will }),
    ...(raw.username !== undefined && { username: raw.username }),
    ...(raw.password !== undefined && { password: raw.password }),
    ...(raw.properties !== undefined && { properties: raw.properties }),
  };
}

function refuseIf(code: MqttErrorCode | undefined): void {
  if (code !== undefined) throw new MqttRefusal(code);
}

/**
 * Whether a message contradicts its Payload Format Indicator (5.0 section 3.3.2.3.2).
 * `decodePackets` checks Wills and QoS 0, where no acknowledgement can carry the error. At QoS 1
 * and 2 the handler answers PUBACK or PUBREC with 0x99: a client whose connection is closed would
 * send the same message again without end.
 */
export function payloadFormatError(
  message: Pick<PublishPacket, 'payload' | 'properties'> | Will,
): 'payload-format-invalid' | undefined {
  if (message.properties?.payloadFormatIndicator !== true) return undefined;
  return isUtf8(message.payload) ? undefined : 'payload-format-invalid';
}
