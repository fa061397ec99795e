import { parser as createParser } from 'mqtt-packet';
import { type MqttErrorCode, MqttRefusal } from './errors.ts';
import { ByteReader, readProperties } from './properties.ts';
import { readPacketIdentifier } from './publish.ts';
import { clientMaySend } from './reason-codes.ts';
import type { PacketCmd, Subscription } from './types.ts';

/** The packet object that mqtt-packet's parser fills. */
export interface RawPacket {
  cmd: PacketCmd;
  length: number;
  qos: number;
  dup: boolean;
  retain: boolean;
  messageId?: number;
  reasonCode?: number;
  properties?: object;
  protocolId?: 'MQTT' | 'MQIsdp';
  protocolVersion?: number;
  bridgeMode?: true;
  clientId?: string;
  clean?: boolean;
  keepalive?: number;
  username?: string;
  password?: Buffer;
  will?: { topic: string; payload: Buffer; qos: number; retain: boolean; properties?: object };
  subscriptions?: Subscription[];
  unsubscriptions?: string[];
}

/**
 * The part of mqtt-packet's parser class that this file overrides. The protocol vectors fail when
 * an update changes it.
 */
interface PacketParser {
  packet: RawPacket;
  settings: { protocolVersion?: number };
  readonly _list: { slice(start: number, end: number): Buffer };
  parser(settings: { protocolVersion: number }): this;
  parse(bytes: Buffer): number;
  on(event: 'packet', listener: (packet: RawPacket) => void): this;
  _parsePayload(): boolean;
  _parseConnect(): unknown;
  _parseDisconnect(): unknown;
  _parseAuth(): unknown;
}

/**
 * Mosquitto and other brokers set it in the protocol level of CONNECT when they are a bridge. It is
 * not in the standard. mqtt-packet reads it as `bridgeMode`.
 */
const bridgeBit = 0x80;

const BaseParser = createParser().constructor as unknown as new () => PacketParser;

/**
 * mqtt-packet's parser with strict data types. The base class knows the layout of the packets; this
 * class refuses what the base class accepts: reads past the end, ill-formed strings, misplaced or
 * repeated properties, packet identifier 0, contradictory flags and trailing bytes.
 *
 * Pass one whole packet at a time, and no PUBLISH: {@link readPublish} reads those.
 * @throws MqttRefusal; the parser must not be used after that.
 *
 * - A packet has the fields that its flags announce, in their order, and no others. It is read to
 *   its end. [MQTT-3.1.2-9 v3+v5, MQTT-3.1.2-18 v3, MQTT-3.1.2-19 v3, MQTT-3.1.2-20 v3,
 *   MQTT-3.1.2-21 v3, MQTT-3.1.2-16 v5, MQTT-3.1.2-17 v5, MQTT-3.1.2-18 v5, MQTT-3.1.2-19 v5,
 *   MQTT-3.1.3-1 v3+v5, MQTT-3.1.3-3 v3+v5, MQTT-3.1.4-1 v3+v5]
 */
export class StrictParser extends BaseParser {
  #reader = new ByteReader(Buffer.alloc(0));

  get _pos(): number {
    return this.#reader.at;
  }

  set _pos(at: number) {
    this.#reader.at = at;
  }

  override _parsePayload(): boolean {
    this.#reader = new ByteReader(this._list.slice(0, this.packet.length));
    const done = super._parsePayload();
    if (this._pos !== this.packet.length) throw new MqttRefusal('trailing-bytes');
    return done;
  }

  override _parseConnect(): unknown {
    const reader = new ByteReader(this.#reader.bytes);
    const name = reader.text();
    const level = reader.byte() & ~bridgeBit;
    const flags = reader.byte();
    // [MQTT-3.1.2-1 v3+v5]
    if (name !== 'MQTT' && name !== 'MQIsdp') throw new MqttRefusal('unsupported-protocol-name');
    // [MQTT-3.1.2-2 v3+v5]
    if (name === 'MQIsdp' ? level !== 3 : level !== 4 && level !== 5) {
      throw new MqttRefusal('unsupported-protocol-level');
    }
    const willQos = (flags >> 3) & 0x03;
    // [MQTT-3.1.2-14 v3, MQTT-3.1.2-12 v5]
    if (willQos > 2) throw new MqttRefusal('invalid-qos', 'Will QoS');
    // 5.0 allows it. [MQTT-3.1.2-22 v3]
    if (level !== 5 && (flags & 0xc0) === 0x40) throw new MqttRefusal('password-without-user-name');
    const result = super._parseConnect();
    // Otherwise the base class makes up options for the filters that a bridge subscribes to.
    this.settings = { protocolVersion: level };
    return result;
  }

  override _parseDisconnect(): unknown {
    const result = super._parseDisconnect();
    this.#checkReasonCode();
    return result;
  }

  override _parseAuth(): unknown {
    const result = super._parseAuth();
    this.#checkReasonCode();
    return result;
  }

  _parseProperties(): object {
    const { cmd, clientId } = this.packet;
    // DISCONNECT may end before its property length (3.14.2.2.1 of 5.0).
    if (cmd === 'disconnect' && this._pos === this.packet.length) return {};
    return readProperties(this.#reader, cmd === 'connect' && clientId !== undefined ? 'will' : cmd);
  }

  _parseMessageId(): boolean {
    this.packet.messageId = readPacketIdentifier(this.#reader);
    return true;
  }

  _parseString(): string {
    return this.#reader.text();
  }

  _parseBuffer(): Buffer {
    return this.#reader.binary();
  }

  _parseNum(): number {
    return this.#reader.twoByteInteger();
  }

  _parseByte(): number {
    return this.#reader.byte();
  }

  _emitError(error: Error): never {
    for (const [pattern, code] of complaints) {
      if (pattern.test(error.message)) throw new MqttRefusal(code);
    }
    throw new MqttRefusal('malformed-packet');
  }

  #checkReasonCode(): void {
    const { cmd, reasonCode } = this.packet;
    // [MQTT-3.14.2-1 v5, MQTT-3.15.2-1 v5]
    if (reasonCode !== undefined && !clientMaySend(cmd, reasonCode))
      throw new MqttRefusal('invalid-reason-code');
  }
}

/** mqtt-packet's errors have no codes, only texts. */
const complaints: readonly (readonly [pattern: RegExp, code: MqttErrorCode])[] = [
  // [MQTT-2.2.2-1 v3, MQTT-2.2.2-2 v3, MQTT-2.1.3-1 v5, MQTT-3.6.1-1 v3+v5, MQTT-3.8.1-1 v3+v5,
  // MQTT-3.10.1-1 v3+v5, MQTT-3.14.1-1 v3+v5, MQTT-3.15.1-1 v5]
  [/header flag bits/, 'invalid-flags'],
  // [MQTT-3.1.2-3 v3+v5, MQTT-3.1.2-11 v3+v5, MQTT-3.1.2-13 v3+v5, MQTT-3.1.2-15 v3]
  [/^Connect flag bit 0|^Will (Retain|QoS)/, 'invalid-connect-flags'],
  // [MQTT-3.8.3-4 v3, MQTT-3.8.3-5 v5]
  [/subscribe topic flag bits/, 'invalid-subscription-options'],
  [/subscribe QoS/, 'invalid-subscription-qos'],
  [/retain handling/, 'invalid-retain-handling'],
  // [MQTT-3.4.2-1 v5, MQTT-3.5.2-1 v5, MQTT-3.6.2-1 v5, MQTT-3.7.2-1 v5]
  [/reason code/, 'invalid-reason-code'],
  [/too short|no payload|Malformed Subscribe/, 'length-mismatch'],
];
