/**
 * Control packets as values. Names and shapes are those of mqtt-packet, with three exceptions: user
 * properties are an ordered list, binary data is `Uint8Array`, and members that every decoded
 * packet has are not optional.
 */

/** 3 = MQTT 3.1 (`MQIsdp`), 4 = MQTT 3.1.1, 5 = MQTT 5.0. */
export type ProtocolVersion = 3 | 4 | 5;
export type QoS = 0 | 1 | 2;

/** Name and value. Names may repeat; the order of the sender is kept. [MQTT-3.3.2-18 v5] */
export type UserProperty = readonly [name: string, value: string];

/** Properties of an application message, in PUBLISH and in a Will (MQTT 5.0). */
export interface MessageProperties {
  /** True: the payload is UTF-8 text. */
  payloadFormatIndicator?: boolean | undefined;
  /** Seconds, 0–4,294,967,295. */
  messageExpiryInterval?: number | undefined;
  contentType?: string | undefined;
  responseTopic?: string | undefined;
  correlationData?: Uint8Array | undefined;
  userProperties?: readonly UserProperty[] | undefined;
}

export interface WillProperties extends MessageProperties {
  /** Seconds; absent: 0. */
  willDelayInterval?: number | undefined;
}

export interface PublishProperties extends MessageProperties {
  /** 1–65,535. */
  topicAlias?: number | undefined;
  /** 1–268,435,455; only from server to client; a list when several subscriptions match. */
  subscriptionIdentifier?: number | readonly number[] | undefined;
}

/** Properties that most packets of MQTT 5.0 may carry. */
export interface ReasonProperties {
  reasonString?: string | undefined;
  userProperties?: readonly UserProperty[] | undefined;
}

export interface ConnectProperties {
  /** Seconds; 4,294,967,295 = never; absent: 0. */
  sessionExpiryInterval?: number | undefined;
  /** 1–65,535; absent: 65,535. */
  receiveMaximum?: number | undefined;
  /** Bytes, ≥ 1; absent: no limit. */
  maximumPacketSize?: number | undefined;
  topicAliasMaximum?: number | undefined;
  requestResponseInformation?: boolean | undefined;
  /** Absent: true. */
  requestProblemInformation?: boolean | undefined;
  userProperties?: readonly UserProperty[] | undefined;
  authenticationMethod?: string | undefined;
  authenticationData?: Uint8Array | undefined;
}

export interface ConnackProperties extends ReasonProperties {
  sessionExpiryInterval?: number | undefined;
  receiveMaximum?: number | undefined;
  maximumQoS?: number | undefined;
  retainAvailable?: boolean | undefined;
  maximumPacketSize?: number | undefined;
  assignedClientIdentifier?: string | undefined;
  topicAliasMaximum?: number | undefined;
  wildcardSubscriptionAvailable?: boolean | undefined;
  subscriptionIdentifiersAvailable?: boolean | undefined;
  sharedSubscriptionAvailable?: boolean | undefined;
  /** Seconds. */
  serverKeepAlive?: number | undefined;
  responseInformation?: string | undefined;
  serverReference?: string | undefined;
  authenticationMethod?: string | undefined;
  authenticationData?: Uint8Array | undefined;
}

export interface AuthProperties extends ReasonProperties {
  authenticationMethod?: string | undefined;
  authenticationData?: Uint8Array | undefined;
}

export interface SubscribeProperties {
  /** 1–268,435,455. */
  subscriptionIdentifier?: number | undefined;
  userProperties?: readonly UserProperty[] | undefined;
}

export interface DisconnectProperties extends ReasonProperties {
  sessionExpiryInterval?: number | undefined;
  serverReference?: string | undefined;
}

export interface Will {
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  properties?: WillProperties | undefined;
}

export interface ConnectPacket {
  cmd: 'connect';
  protocolId: 'MQTT' | 'MQIsdp';
  protocolVersion: ProtocolVersion;
  /** Bit 7 of the protocol level was set: the client is a bridge of another broker. */
  bridgeMode?: true | undefined;
  clientId: string;
  clean: boolean;
  /** Seconds; 0 = none. */
  keepalive: number;
  will?: Will | undefined;
  username?: string | undefined;
  /** May be secret: never log a CONNECT packet. */
  password?: Uint8Array | undefined;
  properties?: ConnectProperties | undefined;
}

export interface ConnackPacket {
  cmd: 'connack';
  sessionPresent: boolean;
  /** MQTT 5.0. */
  reasonCode?: number | undefined;
  /** MQTT 3.1 and 3.1.1: 0–5. */
  returnCode?: number | undefined;
  properties?: ConnackProperties | undefined;
}

export interface PublishPacket {
  cmd: 'publish';
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  dup: boolean;
  retain: boolean;
  /** 1–65,535; present if and only if `qos` > 0. */
  messageId?: number | undefined;
  properties?: PublishProperties | undefined;
}

interface Acknowledgement {
  messageId: number;
  /** MQTT 5.0 only; absent: 0x00. */
  reasonCode?: number | undefined;
  properties?: ReasonProperties | undefined;
}
export interface PubackPacket extends Acknowledgement {
  cmd: 'puback';
}
export interface PubrecPacket extends Acknowledgement {
  cmd: 'pubrec';
}
export interface PubrelPacket extends Acknowledgement {
  cmd: 'pubrel';
}
export interface PubcompPacket extends Acknowledgement {
  cmd: 'pubcomp';
}

export interface Subscription {
  /** Topic filter as sent, `$share/…` included. */
  topic: string;
  qos: QoS;
  /** No Local (MQTT 5.0). */
  nl?: boolean | undefined;
  /** Retain As Published (MQTT 5.0). */
  rap?: boolean | undefined;
  /** Retain Handling (MQTT 5.0). */
  rh?: 0 | 1 | 2 | undefined;
}

export interface SubscribePacket {
  cmd: 'subscribe';
  messageId: number;
  subscriptions: Subscription[];
  properties?: SubscribeProperties | undefined;
}

export interface SubackPacket {
  cmd: 'suback';
  messageId: number;
  /** One code per filter, in their order. */
  granted: number[];
  properties?: ReasonProperties | undefined;
}

export interface UnsubscribePacket {
  cmd: 'unsubscribe';
  messageId: number;
  unsubscriptions: string[];
  properties?: Pick<ReasonProperties, 'userProperties'> | undefined;
}

export interface UnsubackPacket {
  cmd: 'unsuback';
  messageId: number;
  /** One code per filter; MQTT 3.1.1 sends none. */
  granted: number[];
  properties?: ReasonProperties | undefined;
}

export interface PingreqPacket {
  cmd: 'pingreq';
}
export interface PingrespPacket {
  cmd: 'pingresp';
}

export interface DisconnectPacket {
  cmd: 'disconnect';
  /** MQTT 5.0 only; absent: 0x00. */
  reasonCode?: number | undefined;
  properties?: DisconnectProperties | undefined;
}

/** MQTT 5.0 only. */
export interface AuthPacket {
  cmd: 'auth';
  reasonCode: number;
  properties?: AuthProperties | undefined;
}

type EitherWay =
  | PublishPacket
  | PubackPacket
  | PubrecPacket
  | PubrelPacket
  | PubcompPacket
  | DisconnectPacket
  | AuthPacket;
export type ClientPacket = EitherWay | ConnectPacket | SubscribePacket | UnsubscribePacket | PingreqPacket;
export type ServerPacket = EitherWay | ConnackPacket | SubackPacket | UnsubackPacket | PingrespPacket;
export type Packet = ClientPacket | ServerPacket;
export type PacketCmd = Packet['cmd'];
