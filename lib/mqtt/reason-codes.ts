import type { PacketCmd } from './types.ts';

/** One reason code of MQTT 5.0 (table 2-6). */
export interface ReasonCode {
  readonly code: number;
  readonly text: string;
  /** Packets that may carry it. */
  readonly packets: readonly PacketCmd[];
}

const publishing = ['puback', 'pubrec'] as const;
const releasing = ['pubrel', 'pubcomp'] as const;
const subscribing = ['suback', 'unsuback'] as const;
const whole = ['connack', 'disconnect'] as const;

/**
 * Every reason code by name. 0x00 has three names, because SUBACK and DISCONNECT give it another
 * meaning. Codes of 0x80 and above are failures. The server sends codes of this table only.
 * [MQTT-3.2.2-8 v5, MQTT-3.9.3-2 v5, MQTT-3.11.3-2 v5]
 */
export const reasonCodes = {
  success: {
    code: 0x00,
    text: 'Success',
    packets: ['connack', ...publishing, ...releasing, 'unsuback', 'auth'],
  },
  normalDisconnection: { code: 0x00, text: 'Normal disconnection', packets: ['disconnect'] },
  grantedQos0: { code: 0x00, text: 'Granted QoS 0', packets: ['suback'] },
  grantedQos1: { code: 0x01, text: 'Granted QoS 1', packets: ['suback'] },
  grantedQos2: { code: 0x02, text: 'Granted QoS 2', packets: ['suback'] },
  disconnectWithWill: { code: 0x04, text: 'Disconnect with Will Message', packets: ['disconnect'] },
  noMatchingSubscribers: { code: 0x10, text: 'No matching subscribers', packets: publishing },
  noSubscriptionExisted: { code: 0x11, text: 'No subscription existed', packets: ['unsuback'] },
  continueAuthentication: { code: 0x18, text: 'Continue authentication', packets: ['auth'] },
  reAuthenticate: { code: 0x19, text: 'Re-authenticate', packets: ['auth'] },
  unspecifiedError: {
    code: 0x80,
    text: 'Unspecified error',
    packets: [...whole, ...publishing, ...subscribing],
  },
  malformedPacket: { code: 0x81, text: 'Malformed Packet', packets: whole },
  protocolError: { code: 0x82, text: 'Protocol Error', packets: whole },
  implementationSpecificError: {
    code: 0x83,
    text: 'Implementation specific error',
    packets: [...whole, ...publishing, ...subscribing],
  },
  unsupportedProtocolVersion: { code: 0x84, text: 'Unsupported Protocol Version', packets: ['connack'] },
  clientIdentifierNotValid: { code: 0x85, text: 'Client Identifier not valid', packets: ['connack'] },
  badUserNameOrPassword: { code: 0x86, text: 'Bad User Name or Password', packets: ['connack'] },
  notAuthorized: { code: 0x87, text: 'Not authorized', packets: [...whole, ...publishing, ...subscribing] },
  serverUnavailable: { code: 0x88, text: 'Server unavailable', packets: ['connack'] },
  serverBusy: { code: 0x89, text: 'Server busy', packets: whole },
  banned: { code: 0x8a, text: 'Banned', packets: ['connack'] },
  serverShuttingDown: { code: 0x8b, text: 'Server shutting down', packets: ['disconnect'] },
  badAuthenticationMethod: { code: 0x8c, text: 'Bad authentication method', packets: whole },
  keepAliveTimeout: { code: 0x8d, text: 'Keep Alive timeout', packets: ['disconnect'] },
  sessionTakenOver: { code: 0x8e, text: 'Session taken over', packets: ['disconnect'] },
  topicFilterInvalid: { code: 0x8f, text: 'Topic Filter invalid', packets: [...subscribing, 'disconnect'] },
  topicNameInvalid: { code: 0x90, text: 'Topic Name invalid', packets: [...whole, ...publishing] },
  packetIdentifierInUse: {
    code: 0x91,
    text: 'Packet Identifier in use',
    packets: [...publishing, ...subscribing],
  },
  packetIdentifierNotFound: { code: 0x92, text: 'Packet Identifier not found', packets: releasing },
  receiveMaximumExceeded: { code: 0x93, text: 'Receive Maximum exceeded', packets: ['disconnect'] },
  topicAliasInvalid: { code: 0x94, text: 'Topic Alias invalid', packets: ['disconnect'] },
  packetTooLarge: { code: 0x95, text: 'Packet too large', packets: whole },
  messageRateTooHigh: { code: 0x96, text: 'Message rate too high', packets: ['disconnect'] },
  quotaExceeded: { code: 0x97, text: 'Quota exceeded', packets: [...whole, ...publishing, 'suback'] },
  administrativeAction: { code: 0x98, text: 'Administrative action', packets: ['disconnect'] },
  payloadFormatInvalid: { code: 0x99, text: 'Payload format invalid', packets: [...whole, ...publishing] },
  retainNotSupported: { code: 0x9a, text: 'Retain not supported', packets: whole },
  qosNotSupported: { code: 0x9b, text: 'QoS not supported', packets: whole },
  useAnotherServer: { code: 0x9c, text: 'Use another server', packets: whole },
  serverMoved: { code: 0x9d, text: 'Server moved', packets: whole },
  sharedSubscriptionsNotSupported: {
    code: 0x9e,
    text: 'Shared Subscriptions not supported',
    packets: ['suback', 'disconnect'],
  },
  connectionRateExceeded: { code: 0x9f, text: 'Connection rate exceeded', packets: whole },
  maximumConnectTime: { code: 0xa0, text: 'Maximum connect time', packets: ['disconnect'] },
  subscriptionIdentifiersNotSupported: {
    code: 0xa1,
    text: 'Subscription Identifiers not supported',
    packets: ['suback', 'disconnect'],
  },
  wildcardSubscriptionsNotSupported: {
    code: 0xa2,
    text: 'Wildcard Subscriptions not supported',
    packets: ['suback', 'disconnect'],
  },
} as const satisfies Record<string, ReasonCode>;

export type ReasonCodeName = keyof typeof reasonCodes;

/**
 * The text of a code in a packet of this type; undefined where the specification does not allow the
 * code there.
 */
export function reasonText(packet: PacketCmd, code: number): string | undefined {
  return Object.values<ReasonCode>(reasonCodes).find(
    (reason) => reason.code === code && reason.packets.includes(packet),
  )?.text;
}

/** Table 3-13 of MQTT 5.0, rows "Client" and "Client or Server". */
const clientDisconnectCodes = new Set([
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
]);
/** Table 3-14: only the server sends Success. */
const clientAuthCodes = new Set([0x18, 0x19]);

/**
 * Whether a client may send this code in a packet of this type. For DISCONNECT and AUTH the
 * specification tells client and server apart.
 */
export function clientMaySend(packet: PacketCmd, code: number): boolean {
  if (packet === 'disconnect') return clientDisconnectCodes.has(code);
  if (packet === 'auth') return clientAuthCodes.has(code);
  return reasonText(packet, code) !== undefined;
}

/** Reason code → CONNACK return code of MQTT 3.1.1 (table 3.1). Temporary failures become 3. */
const returnCodes: Readonly<Record<number, 0 | 1 | 2 | 3 | 4 | 5>> = {
  0: 0,
  128: 3,
  131: 3,
  132: 1,
  133: 2,
  134: 4,
  135: 5,
  136: 3,
  137: 3,
  138: 5,
  140: 5,
  151: 3,
  156: 3,
  157: 3,
  159: 3,
};

/**
 * The MQTT 3.1.1 CONNACK return code for a 5.0 reason code: 0 accepted, 1 unacceptable protocol
 * version, 2 identifier rejected, 3 server unavailable, 4 bad user name or password, 5 not
 * authorised. Undefined where no code fits, as for malformed packets: the connection is then closed
 * without CONNACK. [MQTT-3.2.2-6 v3]
 */
export function connackReturnCode(reasonCode: number): 0 | 1 | 2 | 3 | 4 | 5 | undefined {
  return returnCodes[reasonCode];
}

/** The SUBACK code for the version: 3.1.1 has only 0, 1, 2 and 0x80. [MQTT-3.9.3-2 v3] */
export function subackCode(reasonCode: number, protocolVersion: 3 | 4 | 5): number {
  return protocolVersion < 5 && reasonCode >= 0x80 ? 0x80 : reasonCode;
}

/** Whether the code is a failure (section 2.4 of MQTT 5.0). */
export function isFailure(reasonCode: number): boolean {
  return reasonCode >= 0x80;
}
