import type { PacketCmd } from './types.ts';

/**
 * Every way in which bytes can fail to be what a client may send: stable code → MQTT 5.0 reason code and message. The same
 * errors hold for MQTT 3.1.1, where the answer is to close [MQTT-4.8.0-1 v3], or a CONNACK (see `connackReturnCode`).
 */
const catalogue = {
  'partial-packet': [0x81, 'the bytes end inside a packet'],
  'packet-too-large': [0x95, 'the packet is longer than the Maximum Packet Size'],
  'malformed-length': [
    0x81,
    'a variable byte integer has more than four bytes, or more than its value needs',
  ],
  'reserved-packet-type': [0x81, 'the packet type is reserved in this protocol version'],
  'server-only-packet': [0x82, 'only a server sends packets of this type'],
  'connect-expected': [0x82, 'the first packet must be CONNECT'],
  'connect-repeated': [0x82, 'a connection carries one CONNECT'],
  'invalid-flags': [0x81, 'the flags of the fixed header are not those that the packet type demands'],
  'invalid-qos': [0x81, 'quality of service 3 does not exist'],
  'dup-at-qos-0': [0x81, 'DUP is set on a message with quality of service 0'],
  'unsupported-protocol-name': [0x84, 'the protocol name is not "MQTT", or "MQIsdp" with level 3'],
  'unsupported-protocol-level': [
    0x84,
    'the protocol level is not 3 (MQIsdp), 4 (MQTT 3.1.1) or 5 (MQTT 5.0)',
  ],
  'invalid-connect-flags': [0x81, 'the connect flags contradict each other or set the reserved bit'],
  'password-without-user-name': [0x81, 'MQTT 3.1.1 does not allow a password without a user name'],
  'malformed-utf8': [0x81, 'a string is not well-formed UTF-8'],
  'null-character': [0x81, 'a string contains U+0000'],
  'length-mismatch': [0x81, 'a field reaches beyond the end of its packet or of its properties'],
  'trailing-bytes': [0x81, 'the packet is longer than its contents'],
  'packet-identifier-zero': [0x82, 'a packet identifier is never 0'],
  'no-filters': [0x82, 'the packet names no topic filter'],
  'invalid-subscription-options': [0x81, 'reserved bits of the subscription options are set'],
  'invalid-subscription-qos': [0x82, 'a subscription cannot have quality of service 3'],
  'invalid-retain-handling': [0x82, 'retain handling is 0, 1 or 2'],
  'no-local-on-shared': [0x82, 'a shared subscription cannot have No Local'],
  'unknown-property': [0x81, 'no property has this identifier'],
  'property-not-allowed': [0x81, 'the property does not belong into this packet'],
  'property-from-server-only': [0x82, 'only a server may send this property in this packet'],
  'duplicate-property': [0x82, 'the property may be there only once'],
  'invalid-property-value': [0x82, 'the value of the property is out of range'],
  'topic-alias-zero': [0x94, 'a topic alias is never 0'],
  'authentication-method-missing': [0x82, 'authentication data or AUTH without an authentication method'],
  'invalid-reason-code': [0x82, 'a client cannot send this reason code in this packet'],
  'payload-format-invalid': [0x99, 'the payload format indicator says UTF-8, the payload is not'],
  'malformed-packet': [0x81, 'the packet cannot be parsed'],
} as const satisfies Record<string, readonly [reasonCode: number, message: string]>;

/** The closed set of codes: switch on these, never on messages. */
export type MqttErrorCode = keyof typeof catalogue;

/** Why bytes were refused. Holds nothing of the bytes: safe to log and to send. */
export interface MqttError {
  readonly code: MqttErrorCode;
  /** MQTT 5.0 reason code for CONNACK or DISCONNECT. */
  readonly reasonCode: number;
  readonly message: string;
  /** The packet it happened in, where its type is known. */
  readonly packetType?: PacketCmd;
}

export const mqttErrorCodes = Object.keys(catalogue) as readonly MqttErrorCode[];

/** `detail` names a field or property, never a value that the client sent. */
export function mqttError(code: MqttErrorCode, packetType?: PacketCmd, detail?: string): MqttError {
  const [reasonCode, message] = catalogue[code];
  const full = detail === undefined ? message : `${message}: ${detail}`;
  return { code, reasonCode, message: full, ...(packetType !== undefined && { packetType }) };
}

/** Carries a refusal out of the parser's depths; never leaves this folder. */
export class Refusal extends Error {
  readonly code: MqttErrorCode;
  readonly detail: string | undefined;
  constructor(code: MqttErrorCode, detail?: string) {
    super(code);
    this.code = code;
    this.detail = detail;
  }
}
