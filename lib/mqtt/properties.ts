import { isUtf8 } from 'node:buffer';
import { MqttRefusal } from './errors.ts';
import type { PacketCmd, UserProperty } from './types.ts';

/**
 * Reads the data types of MQTT (section 1.5 of 5.0) from one packet.
 * @throws MqttRefusal on a read beyond its end.
 */
export class ByteReader {
  readonly bytes: Buffer;
  at = 0;
  readonly end: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    return this.bytes.readUInt8(this.#advance(1));
  }

  twoByteInteger(): number {
    return this.bytes.readUInt16BE(this.#advance(2));
  }

  fourByteInteger(): number {
    return this.bytes.readUInt32BE(this.#advance(4));
  }

  /** At most four bytes, and no more than needed. [MQTT-1.5.5-1 v5] */
  variableByteInteger(): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw new MqttRefusal('malformed-length');
        return value;
      }
    }
    throw new MqttRefusal('malformed-length');
  }

  binary(): Buffer {
    const length = this.twoByteInteger();
    const start = this.#advance(length);
    return this.bytes.subarray(start, start + length);
  }

  /**
   * Reads a UTF-8 encoded string; every string of a packet is read here. Control characters and
   * non-characters pass, although a receiver may refuse them.
   *
   * - well-formed UTF-8 without U+0000 [MQTT-1.5.3-1 v3, MQTT-1.5.3-2 v3, MQTT-1.5.4-1 v5,
   *   MQTT-1.5.4-2 v5]
   * - U+FEFF is kept [MQTT-1.5.3-3 v3, MQTT-1.5.4-3 v5]
   * - client identifier [MQTT-3.1.3-4 v3+v5]
   * - Will topic [MQTT-3.1.3-10 v3, MQTT-3.1.3-11 v5]
   * - user name [MQTT-3.1.3-11 v3, MQTT-3.1.3-12 v5]
   * - topic names [MQTT-3.3.2-1 v3+v5]
   * - topic filters [MQTT-3.8.3-1 v3+v5, MQTT-3.10.3-1 v3+v5]
   * - response topic [MQTT-3.3.2-13 v5]
   * - content type [MQTT-3.3.2-19 v5]
   * - name and value of user properties [MQTT-1.5.7-1 v5]
   */
  text(): string {
    const bytes = this.binary();
    if (!isUtf8(bytes)) throw new MqttRefusal('malformed-utf8');
    if (bytes.includes(0)) throw new MqttRefusal('null-character');
    return bytes.toString('utf8');
  }

  #advance(count: number): number {
    const start = this.at;
    if (start + count > this.end) throw new MqttRefusal('length-mismatch');
    this.at = start + count;
    return start;
  }
}

/**
 * Properties of MQTT 5.0 (section 2.2.2), read strictly. mqtt-packet's own reader loses the order
 * of user properties, accepts every property in every packet, and does not detect duplicates.
 */

/** The place of properties: a packet, or the Will in CONNECT. */
export type PropertyPlace = PacketCmd | 'will';

type DataType = 'flag' | 'byte' | 'twoByte' | 'fourByte' | 'variable' | 'text' | 'binary';

interface Definition {
  readonly name: string;
  readonly type: DataType;
  readonly places: readonly PropertyPlace[];
  /** 0 is a Protocol Error. */
  readonly nonZero?: true;
}

const message = ['publish', 'will'] as const;
const authenticated = ['connect', 'connack', 'auth'] as const;
const acknowledgements = ['puback', 'pubrec', 'pubrel', 'pubcomp', 'suback', 'unsuback'] as const;
const reasoned = ['connack', ...acknowledgements, 'disconnect', 'auth'] as const;

/** Table 2-4 of MQTT 5.0, without User Property, which every packet may carry several times. */
const definitions: Readonly<Record<number, Definition>> = {
  1: { name: 'payloadFormatIndicator', type: 'flag', places: message },
  2: { name: 'messageExpiryInterval', type: 'fourByte', places: message },
  3: { name: 'contentType', type: 'text', places: message },
  8: { name: 'responseTopic', type: 'text', places: message },
  9: { name: 'correlationData', type: 'binary', places: message },
  11: { name: 'subscriptionIdentifier', type: 'variable', places: ['publish', 'subscribe'], nonZero: true },
  17: { name: 'sessionExpiryInterval', type: 'fourByte', places: ['connect', 'connack', 'disconnect'] },
  18: { name: 'assignedClientIdentifier', type: 'text', places: ['connack'] },
  19: { name: 'serverKeepAlive', type: 'twoByte', places: ['connack'] },
  21: { name: 'authenticationMethod', type: 'text', places: authenticated },
  22: { name: 'authenticationData', type: 'binary', places: authenticated },
  23: { name: 'requestProblemInformation', type: 'flag', places: ['connect'] },
  24: { name: 'willDelayInterval', type: 'fourByte', places: ['will'] },
  25: { name: 'requestResponseInformation', type: 'flag', places: ['connect'] },
  26: { name: 'responseInformation', type: 'text', places: ['connack'] },
  28: { name: 'serverReference', type: 'text', places: ['connack', 'disconnect'] },
  31: { name: 'reasonString', type: 'text', places: reasoned },
  33: { name: 'receiveMaximum', type: 'twoByte', places: ['connect', 'connack'], nonZero: true },
  34: { name: 'topicAliasMaximum', type: 'twoByte', places: ['connect', 'connack'] },
  35: { name: 'topicAlias', type: 'twoByte', places: ['publish'] },
  36: { name: 'maximumQoS', type: 'byte', places: ['connack'] },
  37: { name: 'retainAvailable', type: 'flag', places: ['connack'] },
  39: { name: 'maximumPacketSize', type: 'fourByte', places: ['connect', 'connack'], nonZero: true },
  40: { name: 'wildcardSubscriptionAvailable', type: 'flag', places: ['connack'] },
  41: { name: 'subscriptionIdentifiersAvailable', type: 'flag', places: ['connack'] },
  42: { name: 'sharedSubscriptionAvailable', type: 'flag', places: ['connack'] },
};
const userProperty = 38;

/** Decoded properties by mqtt-packet's names; `userProperties` is an ordered list of pairs. */
export type DecodedProperties = Record<string, unknown>;

/**
 * Reads a property length and the properties that a client sent in `place`.
 *
 * @throws MqttRefusal with 0x81 for a property that `place` may not carry (section 2.2.2.2), with
 *   0x82 for duplicates and values out of range (the sections of the properties).
 */
export function readProperties(reader: ByteReader, place: PropertyPlace): DecodedProperties {
  const length = reader.variableByteInteger();
  const end = reader.at + length;
  if (end > reader.end) throw new MqttRefusal('length-mismatch');
  const properties: DecodedProperties = {};
  const userProperties: UserProperty[] = [];
  while (reader.at < end) {
    const id = reader.variableByteInteger();
    if (id === userProperty) {
      userProperties.push([reader.text(), reader.text()]);
    } else {
      const definition = definitions[id];
      if (definition === undefined) throw new MqttRefusal('unknown-property');
      readProperty(reader, place, definition, properties);
    }
    if (reader.at > end) throw new MqttRefusal('length-mismatch');
  }
  if (userProperties.length > 0) properties.userProperties = userProperties;
  checkTogether(properties, place);
  return properties;
}

function readProperty(
  reader: ByteReader,
  place: PropertyPlace,
  definition: Definition,
  properties: DecodedProperties,
): void {
  const { name, type, places, nonZero } = definition;
  if (!places.includes(place)) throw new MqttRefusal('property-not-allowed', name);
  // A client never sends it with a message. [MQTT-3.3.4-6 v5]
  if (name === 'subscriptionIdentifier' && place === 'publish') {
    throw new MqttRefusal('property-from-server-only', name);
  }
  if (name in properties) throw new MqttRefusal('duplicate-property', name);
  const value = readValue(reader, type, name);
  // [MQTT-3.3.2-8 v5]
  if (name === 'topicAlias' && value === 0) throw new MqttRefusal('topic-alias-zero');
  if (nonZero && value === 0) throw new MqttRefusal('invalid-property-value', name);
  properties[name] = value;
}

function readValue(reader: ByteReader, type: DataType, name: string): number | boolean | string | Buffer {
  switch (type) {
    case 'flag': {
      const value = reader.byte();
      if (value > 1) throw new MqttRefusal('invalid-property-value', name);
      return value === 1;
    }
    case 'byte':
      return reader.byte();
    case 'twoByte':
      return reader.twoByteInteger();
    case 'fourByte':
      return reader.fourByteInteger();
    case 'variable':
      return reader.variableByteInteger();
    case 'text':
      return reader.text();
    case 'binary':
      return reader.binary();
  }
}

/**
 * Authentication data needs a method (3.1.2.11.10 of 5.0), and AUTH always names one (3.15.2.2.2).
 */
function checkTogether(properties: DecodedProperties, place: PropertyPlace): void {
  if (properties.authenticationMethod !== undefined) return;
  if (place === 'auth' || properties.authenticationData !== undefined) {
    throw new MqttRefusal('authentication-method-missing');
  }
}
