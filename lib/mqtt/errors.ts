import type { PacketCmd } from './types.ts';

/**
 * Every way in which bytes of a client can be invalid: stable code, MQTT 5.0 reason code and
 * message. MQTT 3.1.1 has the same errors; the answer there is to close the connection, or a
 * CONNACK (see `connackReturnCode`). [MQTT-4.8.0-1 v3]
 */
export const mqttErrors = {
  'partial-packet': { reasonCode: 0x81, message: 'the bytes end inside a packet' },
  'packet-too-large': { reasonCode: 0x95, message: 'the packet is longer than the Maximum Packet Size' },
  'malformed-length': {
    reasonCode: 0x81,
    message: 'a variable byte integer has more than four bytes, or more than its value needs',
  },
  'reserved-packet-type': {
    reasonCode: 0x81,
    message: 'the packet type is reserved in this protocol version',
  },
  'server-only-packet': { reasonCode: 0x82, message: 'only a server sends packets of this type' },
  'connect-expected': { reasonCode: 0x82, message: 'the first packet must be CONNECT' },
  'connect-repeated': { reasonCode: 0x82, message: 'a connection carries one CONNECT' },
  'invalid-flags': {
    reasonCode: 0x81,
    message: 'the flags of the fixed header are not the ones of its packet type',
  },
  'invalid-qos': { reasonCode: 0x81, message: 'QoS 3 does not exist' },
  'dup-at-qos-0': { reasonCode: 0x81, message: 'DUP is set on a message with QoS 0' },
  'unsupported-protocol-name': {
    reasonCode: 0x84,
    message: 'the protocol name is not "MQTT", or "MQIsdp" with level 3',
  },
  'unsupported-protocol-level': {
    reasonCode: 0x84,
    message: 'the protocol level is not 3 (MQIsdp), 4 (MQTT 3.1.1) or 5 (MQTT 5.0)',
  },
  'invalid-connect-flags': {
    reasonCode: 0x81,
    message: 'the connect flags contradict each other or set the reserved bit',
  },
  'password-without-user-name': {
    reasonCode: 0x81,
    message: 'MQTT 3.1.1 does not allow a password without a user name',
  },
  'malformed-utf8': { reasonCode: 0x81, message: 'a string is not well-formed UTF-8' },
  'null-character': { reasonCode: 0x81, message: 'a string contains U+0000' },
  'length-mismatch': {
    reasonCode: 0x81,
    message: 'a field reaches beyond the end of its packet or of its properties',
  },
  'trailing-bytes': { reasonCode: 0x81, message: 'the packet is longer than its contents' },
  'packet-identifier-zero': { reasonCode: 0x82, message: 'a packet identifier is never 0' },
  'no-filters': { reasonCode: 0x82, message: 'the packet names no topic filter' },
  'invalid-subscription-options': {
    reasonCode: 0x81,
    message: 'reserved bits of the subscription options are set',
  },
  'invalid-subscription-qos': { reasonCode: 0x82, message: 'a subscription cannot have QoS 3' },
  'invalid-retain-handling': { reasonCode: 0x82, message: 'retain handling is 0, 1 or 2' },
  'no-local-on-shared': { reasonCode: 0x82, message: 'a shared subscription cannot have No Local' },
  'unknown-property': { reasonCode: 0x81, message: 'no property has this identifier' },
  'property-not-allowed': { reasonCode: 0x81, message: 'the property is not allowed in this packet' },
  'property-from-server-only': {
    reasonCode: 0x82,
    message: 'only a server may send this property in this packet',
  },
  'duplicate-property': { reasonCode: 0x82, message: 'the property occurs more than once' },
  'invalid-property-value': { reasonCode: 0x82, message: 'the value of the property is out of range' },
  'topic-alias-zero': { reasonCode: 0x94, message: 'a topic alias is never 0' },
  'authentication-method-missing': {
    reasonCode: 0x82,
    message: 'authentication data or AUTH without an authentication method',
  },
  'invalid-reason-code': {
    reasonCode: 0x82,
    message: 'a client cannot send this reason code in this packet',
  },
  'payload-format-invalid': {
    reasonCode: 0x99,
    message: 'the payload format indicator says UTF-8, the payload is not',
  },
  'malformed-packet': { reasonCode: 0x81, message: 'the packet cannot be parsed' },
} as const satisfies Readonly<Record<string, { readonly reasonCode: number; readonly message: string }>>;

/** The closed set of codes: switch on these, never on messages. */
export type MqttErrorCode = keyof typeof mqttErrors;

/** Why bytes were refused. Holds nothing of the bytes: safe to log and to send. */
export interface MqttError {
  readonly code: MqttErrorCode;
  /** MQTT 5.0 reason code for CONNACK or DISCONNECT. */
  readonly reasonCode: number;
  readonly message: string;
  /** Type of the packet that is wrong, where it is known. */
  readonly packetType?: PacketCmd;
}

export const mqttErrorCodes = Object.keys(mqttErrors) as readonly MqttErrorCode[];

/** @param detail names a field or property, never a value that the client sent. */
export function mqttError(code: MqttErrorCode, packetType?: PacketCmd, detail?: string): MqttError {
  const { reasonCode, message } = mqttErrors[code];
  const full = detail === undefined ? message : `${message}: ${detail}`;
  return { code, reasonCode, message: full, ...(packetType !== undefined && { packetType }) };
}

/** Carries a refusal from inside the parser to `decodePackets`; never leaves this folder. */
export class MqttRefusal extends Error {
  readonly code: MqttErrorCode;
  readonly detail: string | undefined;
  constructor(code: MqttErrorCode, detail?: string) {
    super(code);
    this.code = code;
    this.detail = detail;
  }
}
