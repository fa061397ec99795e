import type { Permissions } from './permissions.ts';
import type { ClientQuotas, TenantQuotas } from './quotas.ts';
import type { TenantId } from './tenant-id.ts';

declare const addressBrand: unique symbol;

/**
 * Opaque name of one client connection. Today it is the API Gateway connection id; nothing but the gateway port
 * may look inside. It is never used twice, so an address also tells one life of a session from the next.
 */
export type ConnectionAddress = string & { readonly [addressBrand]: true };

export type Qos = 0 | 1 | 2;
/** 3 is MQTT 3.1 (`MQIsdp`), 4 is 3.1.1, 5 is 5.0. */
export type ProtocolVersion = 3 | 4 | 5;

/** A client within its tenant: the key of a session. */
export interface ClientKey {
  readonly tenant: TenantId;
  readonly clientId: string;
}

/** The row of one connection whose CONNECT was accepted. */
export interface Connection extends ClientKey {
  readonly address: ConnectionAddress;
  readonly protocolVersion: ProtocolVersion;
  /** The session's generation, see {@link Session.generation}. */
  readonly generation: string;
  /** Effective keep-alive in seconds; 0: none. */
  readonly keepAliveSeconds: number;
  readonly permissions: Permissions;
  /** `exp` of the token in seconds since 1970; absent: never. */
  readonly tokenExpiresAtSeconds?: number;
  /** `sub` of the token. */
  readonly subject?: string;
  /** `jti` of the token. */
  readonly tokenId?: string;
  /** `iat` of the token in seconds since 1970; absent: taken as older than any revocation. */
  readonly tokenIssuedAtSeconds?: number;
  /** {@link TenantLive.revokedAtMs} when the token was last checked against revocations. */
  readonly revocationsSeenMs?: number;
  /** What the token narrows of the tenant's quotas. */
  readonly quotas?: ClientQuotas;
  /** What the connection has used of its rates, as last written; absent: nothing yet. */
  readonly rateUse?: RateUse;
  readonly username?: string;
  /** Largest packet in bytes that the client takes [MQTT-3.1.2-24 v5]; absent: no limit of its own. */
  readonly clientMaxPacketBytes?: number;
  /** Highest topic alias the client takes in messages to it; 0: none. */
  readonly clientTopicAliasMaximum: number;
  /** Whether reason strings may be sent on packets other than CONNACK and DISCONNECT [MQTT-3.1.2-29 v5]. */
  readonly requestProblemInformation: boolean;
  /** Session expiry interval of the CONNECT in seconds: 0 may not be raised by DISCONNECT (section 3.14.2.2.2 of 5.0). */
  readonly sessionExpirySeconds: number;
  /** Topic aliases the client has set in this connection. */
  readonly topicAliases: Readonly<Record<number, string>>;
  /** Method of enhanced authentication named in CONNECT. */
  readonly authenticationMethod?: string;
  readonly connectedAtMs: number;
}

/**
 * Use of a client's rates as times (ms since 1970) until which each would be used up if it were spent evenly; what lies in the
 * past means that everything is free.
 */
export interface RateUse {
  readonly messagesUntilMs: number;
  readonly bytesUntilMs: number;
}

/** Ordered name and value pairs; the order is kept on delivery [MQTT-3.3.2-18 v5]. */
export type UserProperties = readonly (readonly [string, string])[];

/** Properties of a message that travel unaltered from publisher to subscriber. */
export interface MessageProperties {
  readonly payloadFormatIndicator?: boolean;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly userProperties?: UserProperties;
}

/** An application message on its way through Wisp. */
export interface Message {
  /** Unique; makes deliveries that are tried again recognisable. */
  readonly id: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly properties: MessageProperties;
  /** When it stops being worth delivering, in ms since 1970; absent: never. */
  readonly expiresAtMs?: number;
  /** Client id of the publisher, for No Local; absent where no client published it. */
  readonly publisher?: string;
}

/** Options of one subscription. */
export interface SubscriptionOptions {
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly subscriptionIdentifier?: number;
}

/** A subscription as matching finds it. */
export interface Subscription extends SubscriptionOptions {
  readonly clientId: string;
  readonly filter: string;
  /** Name of the share, for `$share/{name}/{filter}`. */
  readonly shareName?: string;
  /** Generation of the session it belongs to: a row whose session has ended is dead wherever it still lies. */
  readonly generation: string;
}

/**
 * One part of the fan-out of messages on one topic to a large audience: those clients whose position lies in one of
 * `slices` equal ranges.
 */
export interface FanoutSlice {
  readonly tenant: TenantId;
  /** Names the fan-out: the same messages again make the same name. */
  readonly id: string;
  readonly topic: string;
  /** Filters that match the topic and had subscribers. */
  readonly filters: readonly string[];
  /** Ids of the messages (see MessageStore), in their order. */
  readonly messageIds: readonly string[];
  /** Those that are distributed a second time: who got them at QoS 0 must not get them again. */
  readonly again: readonly string[];
  readonly slice: number;
  readonly slices: number;
}

/** What a message to a client has to observe, known from its session row. */
export interface Route {
  readonly address: ConnectionAddress;
  readonly protocolVersion: ProtocolVersion;
  readonly generation: string;
  readonly clientMaxPacketBytes?: number;
  readonly clientTopicAliasMaximum: number;
}

/**
 * `direct`: every queued message has been handed to the connection, a new one is pushed by the handler that
 * queued it. `queued`: older messages wait (for the client to come back, or for room in its window); new ones
 * line up behind them and only the drain sends.
 */
export type SessionMode = 'direct' | 'queued';

/** The row of a session. */
export interface Session extends ClientKey {
  /** Address of the connection that began this session: tells it from an earlier one of the same client. */
  readonly generation: string;
  /** The connection that holds the session; absent while offline. */
  readonly address?: ConnectionAddress;
  readonly protocolVersion: ProtocolVersion;
  readonly clientMaxPacketBytes?: number;
  readonly clientTopicAliasMaximum: number;
  /** Receive Maximum of the client: QoS 1 and 2 messages it takes unacknowledged [MQTT-3.3.4-9 v5]. */
  readonly receiveMaximum: number;
  readonly mode: SessionMode;
  /** Number of the newest queued message; the packet identifier follows from it. */
  readonly sequence: number;
  /** Sequence at which the queue has to be counted again before more is put on it. */
  readonly recountAtSequence: number;
  /** Grows with every claim; claims are conditional on it. */
  readonly claimVersion: number;
  /** Id of the newest claim: tells a claim whose answer was lost from one that was lost to another handler. */
  readonly claimedBy?: string;
  /**
   * While present, the handler that made the newest claim is sending what it claimed, and no other may send: so entries
   * reach the client in their order. Handlers do not live beyond this time (ms since 1970): one that is late has died.
   */
  readonly sendingUntilMs?: number;
  /**
   * Packet identifiers that the drain has handed to the current connection; those whose entry is gone no longer
   * count.
   */
  readonly inFlight: ReadonlySet<number>;
  /** Packet identifiers that an earlier connection may have received: sent again with DUP. */
  readonly resent: ReadonlySet<number>;
  /** Batches (see {@link QueueEntry.batch}) of which something has been claimed. */
  readonly opened: ReadonlySet<number>;
  /** Messages that may wait in the queue, as quotas said at CONNECT; absent: the service's bound. */
  readonly maxQueuedMessages?: number;
  /** How long a message may wait, in seconds, as quotas said at CONNECT; absent: no bound. */
  readonly maxQueueSeconds?: number;
  /** Session expiry interval in seconds; 0: ends with the connection; 0xFFFFFFFF: never. */
  readonly expirySeconds: number;
  /** When an offline session ends, in ms since 1970. */
  readonly expiresAtMs?: number;
  /** Number of the connection that holds or last held it: grows with every connection of the client, not by one. */
  readonly connectionSequence: number;
  /** The session has ended and all it left is deleted; the row stays a while so that numbers are not given again. */
  readonly swept?: boolean;
}

/** A message in a session's outbound queue. */
export interface QueueEntry {
  readonly sequence: number;
  readonly packetIdentifier: number;
  /** The connection to which the handler that queued it pushed it at once (mode `direct`). */
  readonly pushedTo?: ConnectionAddress;
  /**
   * The batch in which it was queued, named by the sequence of its first message, and when. The first is stored last, so
   * until it has been seen the others are not sent: a batch becomes visible as a whole, in its order. Absent for entries
   * that were pushed at once or came alone. Once the handler must be dead, it counts no more.
   */
  readonly batch?: { readonly first: number; readonly storedAtMs: number };
  /** When it has waited too long to be sent, in ms since 1970 (quota `queueSeconds`); absent: never. */
  readonly dropAtMs?: number;
  /** QoS 2: PUBREC has come, only PUBREL is to be sent. */
  readonly released: boolean;
  readonly generation: string;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
  /** The shared subscription (`$share/{name}/{filter}`) through which it came; absent for a subscription of its own. */
  readonly share?: string;
  readonly message: Message;
  /** The message is kept once for many queues, and the entry only names it. */
  readonly byReference?: boolean;
}

/** A retained message; `qos` and properties as published. */
export type RetainedMessage = Message;

/** `deleting`: no client may connect, and everything the tenant has is being erased. */
export type TenantStatus = 'active' | 'suspended' | 'deleting';

/** The part of a tenant's row that the message path reads. */
export interface TenantLive {
  readonly status: 'active' | 'suspended';
  readonly shapes: ReadonlySet<string>;
  readonly quotas: TenantQuotas;
  /** Grows with every revocation, to at least its time (ms since 1970); absent: there was none. */
  readonly revokedAtMs?: number;
}

/** Whose tokens are revoked. */
export type RevocationTarget =
  | { readonly kind: 'token'; readonly tokenId: string }
  | { readonly kind: 'subject'; readonly subject: string }
  | { readonly kind: 'client'; readonly clientId: string }
  | { readonly kind: 'tenant' };

/** A Will as CONNECT gave it. */
export interface Will {
  /** Without `expiresAtMs`: a Will's expiry runs from its publication (section 3.1.3.2.4 of MQTT 5.0). */
  readonly message: Message;
  readonly delaySeconds: number;
  readonly messageExpirySeconds?: number;
}

/** What operators and the tenant's own services are told of a client. Times in ms since 1970. */
export type LifecycleEvent = {
  readonly tenant: TenantId;
  readonly clientId: string;
  /** Of one client's events the one with the higher number is of the later connection. */
  readonly sequence: number;
} & (
  | {
      readonly event: 'connected';
      readonly connectedAtMs: number;
      readonly protocolVersion: '3.1' | '3.1.1' | '5.0';
      readonly sessionPresent: boolean;
    }
  | {
      readonly event: 'disconnected';
      readonly connectedAtMs?: number;
      readonly disconnectedAtMs: number;
      readonly protocolVersion?: '3.1' | '3.1.1' | '5.0';
      /** Stable code. */
      readonly reason: string;
      readonly reasonCode?: number;
      readonly initiator: 'client' | 'server' | 'network';
    }
);
