import type { Permissions } from './permissions.ts';
import type { ClientQuotas, TenantQuotas } from './quotas.ts';
import type { TenantId } from './tenant-id.ts';

declare const addressBrand: unique symbol;

/**
 * Opaque name of one client connection: the API Gateway connection id. Only the gateway port may
 * interpret it. It is never reused, so it also distinguishes one session of a client from the next.
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
  /**
   * Whether the client is a bridge of another broker. Before 5.0, its subscriptions then have No
   * Local and Retain As Published, which these versions cannot ask for.
   */
  readonly isBridge: boolean;
  /** The session's generation, see {@link Session.generation}. */
  readonly generation: string;
  /** Effective keep-alive in seconds; 0: no keep-alive. */
  readonly keepAliveSeconds: number;
  readonly permissions: Permissions;
  /** `exp` of the token in seconds since 1970; absent: the token does not expire. */
  readonly tokenExpiresAtSeconds?: number;
  /** `sub` of the token. */
  readonly subject?: string;
  /** `jti` of the token. */
  readonly tokenId?: string;
  /** `iat` of the token in seconds since 1970; absent: treated as older than any revocation. */
  readonly tokenIssuedAtSeconds?: number;
  /** {@link TenantLive.revokedAtMs} when the token was last checked against revocations. */
  readonly revocationsSeenMs?: number;
  /** Quotas of the token, which narrow the tenant's. */
  readonly quotas?: ClientQuotas;
  /** Rate use as last written; absent: none. */
  readonly rateUse?: RateUse;
  readonly username?: string;
  /** Maximum Packet Size of the client in bytes; absent: no limit. [MQTT-3.1.2-24 v5] */
  readonly clientMaxPacketBytes?: number;
  /** Topic Alias Maximum of the client, for messages to it; 0: no aliases. */
  readonly clientTopicAliasMaximum: number;
  /**
   * Whether packets other than CONNACK and DISCONNECT may have Reason Strings. [MQTT-3.1.2-29 v5]
   */
  readonly requestProblemInformation: boolean;
  /**
   * Session Expiry Interval of CONNECT in seconds. DISCONNECT may not raise 0 (section 3.14.2.2.2).
   */
  readonly sessionExpirySeconds: number;
  /**
   * Topic aliases that the client has set, as far as the row has room; the others are rows of their
   * own (lib/broker/topic-aliases.ts).
   */
  readonly topicAliases: Readonly<Record<number, string>>;
  /** Packets of which some chunks have come; absent: none. */
  readonly unfinishedPackets?: readonly UnfinishedPacket[];
  /** Authentication Method of CONNECT. */
  readonly authenticationMethod?: string;
  readonly connectedAtMs: number;
  /** Since when the keep-alive timer waits for a packet of the client; absent: it does not. */
  readonly watchedSinceMs?: number;
  /** When a packet of the client last ended a watch. */
  readonly heardAtMs?: number;
  /** Until when an operator traces the client, in ms since 1970; absent: it is not traced. */
  readonly traceUntilMs?: number;
}

/** A packet that comes in chunks. */
export interface UnfinishedPacket {
  /** 0 … 15: where the store keeps its chunks. */
  readonly slot: number;
  /** The client's id of the packet, which it may use again later. */
  readonly id: string;
  /** Unique: distinguishes the packet from earlier ones in its slot. */
  readonly key: string;
  /** Length of the packet in bytes, as its first chunk tells. */
  readonly bytes: number;
}

/**
 * Use of a client's rates (GCRA): the times, in ms since 1970, until which each rate is used up if
 * it is spent evenly. A time in the past means that the full burst is available.
 */
export interface RateUse {
  /** Absent in rows of earlier releases. */
  readonly packetsUntilMs?: number;
  readonly messagesUntilMs: number;
  readonly bytesUntilMs: number;
}

/** Ordered name and value pairs; delivery keeps the order. [MQTT-3.3.2-18 v5] */
export type UserProperties = readonly (readonly [string, string])[];

/** Properties of a message that subscribers receive unaltered. */
export interface MessageProperties {
  readonly payloadFormatIndicator?: boolean;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly userProperties?: UserProperties;
}

/** An application message. */
export interface Message {
  /** Unique; identifies repeated deliveries of the message. */
  readonly id: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly properties: MessageProperties;
  /** When the message expires, in ms since 1970; absent: never. */
  readonly expiresAtMs?: number;
  /** Client id of the publisher, for No Local; absent: no client published it. */
  readonly publisher?: string;
}

/** Options of one subscription. */
export interface SubscriptionOptions {
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly subscriptionIdentifier?: number;
}

/** A subscription as found by matching. */
export interface Subscription extends SubscriptionOptions {
  readonly clientId: string;
  readonly filter: string;
  /** Name of the share, for `$share/{name}/{filter}`. */
  readonly shareName?: string;
  /** Generation of its session; the row is dead once that session has ended. */
  readonly generation: string;
}

/**
 * Part of the fan-out of messages on one topic: the clients whose position lies in one of `slices`
 * equal ranges.
 */
export interface FanoutSlice {
  readonly tenant: TenantId;
  /** Identifies the fan-out; the same messages give the same id. */
  readonly id: string;
  readonly topic: string;
  /** Filters that match the topic and have subscribers. */
  readonly filters: readonly string[];
  /** Ids of the messages in MessageStore, in their order. */
  readonly messageIds: readonly string[];
  /** Ids of messages that are distributed again: QoS 0 copies are not sent a second time. */
  readonly again: readonly string[];
  readonly slice: number;
  readonly slices: number;
}

/** Where and how to send to a client, from its session row. */
export interface Route {
  readonly address: ConnectionAddress;
  readonly protocolVersion: ProtocolVersion;
  readonly generation: string;
  readonly clientMaxPacketBytes?: number;
  readonly clientTopicAliasMaximum: number;
  /** As in {@link Session}. */
  readonly traceUntilMs?: number;
}

/**
 * - `direct`: every queued message has been sent, and the handler that queues a new one sends it.
 * - `queued`: messages wait for the client to return or for room in its window; only the drain
 *   sends.
 */
export type SessionMode = 'direct' | 'queued';

/** The row of a session. */
export interface Session extends ClientKey {
  /**
   * Fencing token: the address of the connection that began this session. Rows of an earlier
   * session of the client carry another generation and are ignored.
   */
  readonly generation: string;
  /** The connection that holds the session; absent while offline. */
  readonly address?: ConnectionAddress;
  /**
   * Subject of the token that opened or last took the session; empty where that token has no
   * subject but names the client id. Absent: the session belongs to nobody, and the first subject
   * takes it.
   */
  readonly owner?: string;
  readonly protocolVersion: ProtocolVersion;
  readonly clientMaxPacketBytes?: number;
  readonly clientTopicAliasMaximum: number;
  /** Receive Maximum of the client: its unacknowledged QoS 1 and 2 messages. [MQTT-3.3.4-9 v5] */
  readonly receiveMaximum: number;
  readonly mode: SessionMode;
  /** Number of the newest queued message; it determines the packet identifier. */
  readonly sequence: number;
  /** Sequence at which the queue must be counted before more messages are queued. */
  readonly recountAtSequence: number;
  /** Increases with every claim; claims are conditional on it. */
  readonly claimVersion: number;
  /** Id of the newest claim: shows whether a claim whose answer was lost has succeeded. */
  readonly claimedBy?: string;
  /**
   * End of the sending lease, in ms since 1970; absent: nobody holds it. Only the holder, the
   * handler of the newest claim, may send, so entries reach the client in their order. Handlers do
   * not outlive the lease: a holder that is late has died.
   */
  readonly sendingUntilMs?: number;
  /** Packet identifiers that the drain has sent; those without an entry are acknowledged. */
  readonly inFlight: ReadonlySet<number>;
  /** Packet identifiers that an earlier connection may have received; they are sent with DUP. */
  readonly resent: ReadonlySet<number>;
  /** Batches (see {@link QueueEntry.batch}) of which an entry has been claimed. */
  readonly opened: ReadonlySet<number>;
  /** Quota of queued messages at CONNECT; absent: the service's bound. */
  readonly maxQueuedMessages?: number;
  /** Quota of the time a message may wait, in seconds, at CONNECT; absent: no bound. */
  readonly maxQueueSeconds?: number;
  /** Session Expiry Interval in seconds; 0: ends with the connection; 0xFFFFFFFF: never ends. */
  readonly expirySeconds: number;
  /** When the offline session ends, in ms since 1970. */
  readonly expiresAtMs?: number;
  /**
   * Number of the connection that holds or last held it; increases with each, not always by one.
   */
  readonly connectionSequence: number;
  /**
   * Until when (ms since 1970) the client's rate of CONNECTs is used up, as in {@link RateUse}.
   * Absent in rows of earlier releases.
   */
  readonly connectsUntilMs?: number;
  /** The hour (since 1970) of the last accepted CONNECT, and how many there were in it. */
  readonly connectsHour?: number;
  readonly connectsInHour?: number;
  /**
   * Set while retained messages of its subscriptions wait for room in the queue: the
   * acknowledgement of this or a later sequence continues them. Greater than
   * {@link Session.sequence} while a timer is to continue them.
   */
  readonly retainedBehind?: number;
  /**
   * The session has ended and its rows are deleted; this row stays so that numbers are not reused.
   */
  readonly swept?: boolean;
  /**
   * Until when an operator traces the client, in ms since 1970; absent: it is not traced. Stays
   * when the session ends.
   */
  readonly traceUntilMs?: number;
}

/** A message in a session's outbound queue. */
export interface QueueEntry {
  readonly sequence: number;
  readonly packetIdentifier: number;
  /** The connection to which the handler that stored it pushes it (mode `direct`). */
  readonly pushedTo?: ConnectionAddress;
  /**
   * The batch in which it was queued: the sequence of its first entry, and the time. The first
   * entry is stored last, and the others are not sent before it is visible, so a batch becomes
   * visible as a whole and in its order. Ignored once the handler must have died. Absent for
   * entries that are pushed directly or came alone.
   */
  readonly batch?: { readonly first: number; readonly storedAtMs: number };
  /** When it is dropped unsent, in ms since 1970 (quota `queueSeconds`); absent: never. */
  readonly dropAtMs?: number;
  /** QoS 2: PUBREC has arrived, and PUBREL is sent instead of the message. */
  readonly released: boolean;
  readonly generation: string;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
  /**
   * The shared subscription (`$share/{name}/{filter}`) through which it came; absent: not shared.
   */
  readonly share?: string;
  readonly message: Message;
  /** The message is stored once for several queues, and the entry refers to it. */
  readonly byReference?: boolean;
}

/** A retained message, with QoS and properties as published. */
export type RetainedMessage = Message;

/** `deleting`: no client may connect, and everything the tenant has is being erased. */
export type TenantStatus = 'active' | 'suspended' | 'deleting';

/** The part of a tenant's row that the message path reads. */
export interface TenantLive {
  readonly status: 'active' | 'suspended';
  /** The shapes that publishes are matched with, those in {@link TenantLive.going} included. */
  readonly shapes: ReadonlySet<string>;
  /**
   * Shapes that are being removed, because they seem to have no subscription. SUBSCRIBE counts them
   * as absent and adds them again.
   */
  readonly going: ReadonlySet<string>;
  /**
   * Whether all filters that begin with `$` have shapes that do so too. False for a tenant of an
   * earlier release until its subscriptions have been walked.
   */
  readonly dollarApart: boolean;
  readonly quotas: TenantQuotas;
  /**
   * Increases with every revocation, to at least its time (ms since 1970); absent: there was none.
   */
  readonly revokedAtMs?: number;
  /** Until when bans may last, in ms since 1970; absent: there was none. */
  readonly bansUntilMs?: number;
}

/** Whose tokens are revoked. */
export type RevocationTarget =
  | { readonly kind: 'token'; readonly tokenId: string }
  | { readonly kind: 'subject'; readonly subject: string }
  | { readonly kind: 'client'; readonly clientId: string }
  | { readonly kind: 'tenant' };

/** The Will of a CONNECT. */
export interface Will {
  /**
   * Without `expiresAtMs`: the expiry starts when the Will is published (section 3.1.3.2.4 of 5.0).
   */
  readonly message: Message;
  readonly delaySeconds: number;
  readonly messageExpirySeconds?: number;
}

/** An event for operators and the tenant's own services. Times in ms since 1970. */
export type LifecycleEvent = {
  readonly tenant: TenantId;
  readonly clientId: string;
  /** A higher number belongs to a later connection of the client. */
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
