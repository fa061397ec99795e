import { maxPacketBytes } from '../wire/limits.ts';

/** Limits and defaults of the service that CONNACK announces or handlers enforce. */
export interface Settings {
  /** Largest MQTT packet in bytes, both ways: the wire profile's 131,072, what API Gateway carries in 6 frames. */
  readonly maxPacketBytes: number;
  /** QoS 1 and 2 messages a client may have unacknowledged; more is answered with 0x93 [MQTT-3.3.4-7 v5]. */
  readonly receiveMaximum: number;
  /** Highest topic alias a client may set [MQTT-3.3.2-9 v5]. */
  readonly topicAliasMaximum: number;
  /** Longest keep-alive in seconds: API Gateway closes a connection after 600 s without a message. */
  readonly maxKeepAliveSeconds: number;
  /** Session expiry of an MQTT 3.1.1 client that connects with Clean Session 0, in seconds. */
  readonly v3SessionExpirySeconds: number;
  /** Longest session expiry in seconds; a longer one is cut, and CONNACK says so. */
  readonly maxSessionExpirySeconds: number;
  /** Messages that may wait in one session's queue. At the bound the newest is dropped for that session. */
  readonly maxQueuedMessages: number;
  /** Messages of a queue that are sent ahead of their acknowledgements while a session catches up. */
  readonly catchUpWindowMessages: number;
  /** Shapes of filters a tenant may have: each fitting one costs every publish a Query. */
  readonly maxShapes: number;
  /** Subscriptions of one client. */
  readonly maxSubscriptionsPerClient: number;
  /** How long a handler may take to send what it has claimed, in seconds: longer than any function may run (30 s). */
  readonly sendingSeconds: number;
  /** Filters in one SUBSCRIBE or UNSUBSCRIBE. */
  readonly maxFiltersPerPacket: number;
  /** Client identifier in UTF-8 bytes: it is part of DynamoDB keys (sort keys hold 1,024 bytes). */
  readonly maxClientIdBytes: number;
  /** How long a socket may stay without an accepted CONNECT, in seconds. */
  readonly authenticationDeadlineSeconds: number;
  /**
   * How long after a tenant's suspension or deletion handlers and processes may still act on its old state, in
   * seconds: a configuration is trusted for 5, and a function runs for at most 30.
   */
  readonly tenantSettleSeconds: number;
  /** Posts to different connections that one handler has under way at once. */
  readonly maxConcurrentPosts: number;
}

export const defaultSettings: Settings = {
  maxPacketBytes,
  receiveMaximum: 1_000,
  topicAliasMaximum: 32,
  maxKeepAliveSeconds: 540,
  v3SessionExpirySeconds: 7 * 86_400,
  maxSessionExpirySeconds: 0xffff_ffff,
  maxQueuedMessages: 1_000,
  catchUpWindowMessages: 100,
  sendingSeconds: 40,
  maxShapes: 64,
  maxSubscriptionsPerClient: 1_000,
  maxFiltersPerPacket: 100,
  maxClientIdBytes: 256,
  authenticationDeadlineSeconds: 30,
  tenantSettleSeconds: 35,
  maxConcurrentPosts: 64,
};
