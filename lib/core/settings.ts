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
  /**
   * Subscriptions to a topic that the publisher's handler serves itself; a larger audience is left to the fan-out queue
   * (docs/performance.md says how this bound was measured).
   */
  readonly inlineAudience: number;
  /** Subscriptions to all topics of a frame that its handler serves itself. */
  readonly maxInlineDeliveries: number;
  /** Members of a share that are read for a message where there are more: among them one is chosen. */
  readonly shareSample: number;
  /**
   * Parts into which a fan-out is cut, by ranges of clients. Order is kept for each topic and part, so a deployment that
   * changes this number must first let the fan-out queue run empty.
   */
  readonly fanoutSlices: number;
  /** Clients that a worker serves between two notes of its progress. */
  readonly sliceBatchClients: number;
  /** How long a worker begins new batches, in seconds: a batch must end within what is left of its 30. */
  readonly sliceSeconds: number;
  /**
   * How long a topic's messages go on through the fan-out queue after a large audience, in seconds; half of it is the
   * longest that slices may wait in the queue without being overtaken.
   */
  readonly queuedMarkSeconds: number;
  /** How long messages that many queues share are kept, in seconds. */
  readonly sharedMessageSeconds: number;
  /** Longest session expiry, in seconds, of a session whose queue only names messages: much shorter than they are kept. */
  readonly sharedMessageMaxExpirySeconds: number;
  /** How long messages at QoS 0 are kept for the workers of a fan-out, in seconds. */
  readonly atMostOnceMessageSeconds: number;
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
  inlineAudience: 256,
  maxInlineDeliveries: 2_048,
  shareSample: 64,
  fanoutSlices: 16,
  sliceBatchClients: 500,
  sliceSeconds: 15,
  queuedMarkSeconds: 3_600,
  sharedMessageSeconds: 14 * 86_400,
  sharedMessageMaxExpirySeconds: 7 * 86_400,
  atMostOnceMessageSeconds: 86_400,
};
