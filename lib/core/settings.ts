import { maxPacketBytes } from '../wire/limits.ts';
import { type DefaultQuotas, defaultQuotas, quotaBounds } from './quotas.ts';

/** Limits and defaults of the service, announced in CONNACK or enforced by handlers. */
export interface Settings {
  /** Maximum size of an MQTT packet in both directions, in bytes: the wire profile's 131,072. */
  readonly maxPacketBytes: number;
  /** QoS 1 and 2 messages a client may have unacknowledged; more gets 0x93. [MQTT-3.3.4-7 v5] */
  readonly receiveMaximum: number;
  /** Highest topic alias a client may set. [MQTT-3.3.2-9 v5] */
  readonly topicAliasMaximum: number;
  /**
   * Maximum keep-alive in seconds: API Gateway closes a connection after 600 s without a message.
   */
  readonly maxKeepAliveSeconds: number;
  /** Session expiry of an MQTT 3.1.1 client that connects with Clean Session 0, in seconds. */
  readonly v3SessionExpirySeconds: number;
  /** Maximum session expiry in seconds; CONNACK tells the client when it is reduced. */
  readonly maxSessionExpirySeconds: number;
  /** Operators' temporary sessions of a tenant at once, at most 100: each is a row and a client. */
  readonly maxObservers: number;
  /** Longest life of an operator's temporary session, in seconds. */
  readonly maxObserverSeconds: number;
  /** Filters of an operator's temporary session: each may cost its tenant a shape. */
  readonly maxObserverFilters: number;
  /** Longest time for which a client is traced, in seconds. */
  readonly maxTraceSeconds: number;
  /**
   * Lines of a trace about one client per second in each process: a client at its rate would cost
   * more than it is worth to look at. Those beyond are counted in the next line.
   */
  readonly traceLinesPerSecond: number;
  /** Quotas of a tenant whose operator sets none (docs/quotas.md). */
  readonly defaultQuotas: DefaultQuotas;
  /**
   * CONNECTs of one client id per minute, which may come at once: a client that is thrown out at
   * every attempt tries again once a second (MQTT.js, Paho). More gets 0x9F (3.1.1: 3).
   */
  readonly connectsPerMinutePerClient: number;
  /** Messages in one session's queue; a full queue drops the newest message. */
  readonly maxQueuedMessages: number;
  /** Unacknowledged messages in flight while a session catches up. */
  readonly catchUpWindowMessages: number;
  /** Shapes of filters per tenant: a publish takes one Query per fitting shape. */
  readonly maxShapes: number;
  /**
   * Shapes of one client's filters, unless the quota `shapesPerClient` says otherwise: a quarter of
   * what its tenant may have, so that one client cannot use them up. A client asks for a few.
   */
  readonly shapesPerClient: number;
  /**
   * Rules that one message fires, in the order of their names: each costs a message of the rule
   * queue. More are left out and counted (`RulesBeyondBound`).
   */
  readonly maxRulesPerMessage: number;
  /** Rules with the same filter: every publish that it matches reads them all. */
  readonly maxRulesPerFilter: number;
  /** Of these, rules of tenants' users: they leave room for those of operators. */
  readonly maxOwnRulesPerFilter: number;
  /** Subscriptions of one client. */
  readonly maxSubscriptionsPerClient: number;
  /** Lease for sending claimed entries, in seconds: longer than a function may run (30 s). */
  readonly sendingSeconds: number;
  /**
   * Filters in one SUBSCRIBE or UNSUBSCRIBE: as many as a client may have subscriptions. Stock
   * clients subscribe again with all their filters in one packet.
   */
  readonly maxFiltersPerPacket: number;
  /**
   * Length of a client identifier in UTF-8 bytes: it is part of sort keys, which hold 1,024 bytes.
   */
  readonly maxClientIdBytes: number;
  /**
   * Time a socket may stay open without an accepted CONNECT, in seconds: enough for a slow network,
   * and short because a stranger's socket is paid for.
   */
  readonly authenticationDeadlineSeconds: number;
  /**
   * Time after a change of a tenant (suspension, deletion, a shape that goes) during which handlers
   * may act on its old state, in seconds: a configuration is cached for 5, and a function runs for
   * at most 30.
   */
  readonly tenantSettleSeconds: number;
  /**
   * Retained messages that one frame or one timer sends; a timer sends the rest. A frame must end
   * within the 29 s of API Gateway's integration.
   */
  readonly retainedPerRun: number;
  /**
   * Reads of retained messages in one frame or one timer, of up to 800 messages each: bounds
   * filters that match few of the messages they read.
   */
  readonly retainedReadsPerRun: number;
  /**
   * Queries that find the subscribers of all messages of one frame or HTTP request: one for each
   * filter that may match, so up to topics × shapes. A burst of 500 topics with eight fitting
   * shapes passes.
   */
  readonly maxMatchQueries: number;
  /** Concurrent posts of one handler, to different connections. */
  readonly maxConcurrentPosts: number;
  /**
   * Concurrent posts of one handler to connections at edges, at QoS 0. They take no socket each:
   * those to one edge are gathered into few messages.
   */
  readonly maxConcurrentEdgePosts: number;
  /**
   * Subscriptions to a topic that the publisher's handler serves itself; the fan-out queue serves a
   * larger audience. docs/performance.md tells how this bound was measured.
   */
  readonly inlineAudience: number;
  /** Subscriptions to all topics of a frame that the publisher's handler serves itself. */
  readonly maxInlineDeliveries: number;
  /** Members of a large share that are read as candidates for a message. */
  readonly shareSample: number;
  /**
   * Slices of a fan-out, by ranges of clients. Order is kept per topic and slice, so a deployment
   * that changes this number must first drain the fan-out queue.
   */
  readonly fanoutSlices: number;
  /** Clients that a worker serves between two writes of its progress. */
  readonly sliceBatchClients: number;
  /** Time during which a worker starts batches, in seconds; the last one must end within its 30. */
  readonly sliceSeconds: number;
  /**
   * Time for which a topic stays marked for the fan-out queue after a large audience, in seconds.
   * Half of it is the longest time slices may wait in the queue without being overtaken.
   */
  readonly queuedMarkSeconds: number;
  /** Retention of messages that several queues refer to, in seconds. */
  readonly sharedMessageSeconds: number;
  /**
   * Maximum session expiry of a session whose queue refers to messages, in seconds: much shorter
   * than their retention.
   */
  readonly sharedMessageMaxExpirySeconds: number;
  /** Retention of QoS 0 messages for fan-out workers, in seconds. */
  readonly atMostOnceMessageSeconds: number;
  /**
   * Time between two looks at the lease of an edge process, in seconds: one that has not been
   * renewed in between is dead. The process renews it every 3 seconds.
   */
  readonly edgeLookSeconds: number;
  /**
   * Time that an edge process has for a new back door after the end of its last one, in seconds.
   * Longer than the 9 for which it handles packets after its last renewal.
   */
  readonly edgeDoorGraceSeconds: number;
  /**
   * Time after which a look at a lease, or the end of a dead edge's connections, is tried again, in
   * seconds. The timer queue would deliver it again after 180.
   */
  readonly edgeRetrySeconds: number;
  /** Connections of a dead edge that one timer ends at the same time. */
  readonly edgeSweepsAtOnce: number;
  /**
   * Time during which a timer starts to end connections of a dead edge, in seconds; the last ones
   * must end within its 30.
   */
  readonly edgeSweepSeconds: number;
  /** Failed attempts in a row after which the records of a rule wait in rows. */
  readonly ruleCircuitFailures: number;
  /**
   * Time until the first further attempt of a rule, in seconds; it doubles with each, up to
   * {@link ruleRetryMaxSeconds}.
   */
  readonly ruleRetrySeconds: number;
  readonly ruleRetryMaxSeconds: number;
  /** Longest time that a target may ask for until the next attempt, in seconds. */
  readonly ruleRetryAfterMaxSeconds: number;
  /**
   * Time during which a worker of rules starts attempts, in seconds: an attempt takes up to 10, and
   * a function may run for 30.
   */
  readonly ruleRunSeconds: number;
  /**
   * Time after which a worker deletes the finished records of its batch before the others are
   * finished, in ms: their message groups need not wait for a slow target.
   */
  readonly ruleEarlyDeleteMs: number;
  /**
   * Time after which a worker that has no permit of the tenant begins no further attempts for a
   * rule, in ms; what is left of the batch waits in rows. Ten attempts of 100 ms fit in.
   */
  readonly ruleSlowMs: number;
  /**
   * Time after which such a worker no longer waits for the answers to its last attempts, in ms; the
   * records are sent a second time.
   */
  readonly ruleAbandonMs: number;
  /**
   * Permits of a tenant: its rules keep at most so many workers for longer than that, at the same
   * time. A deployment has 100 workers (`-c ruleMaxConcurrency`).
   */
  readonly ruleSlowWorkers: number;
  /** Strands of a rule (lib/core/rules.ts) that one worker drains at the same time. */
  readonly ruleDrainStrands: number;
  /** Records of a strand that a worker reads at once while it drains. */
  readonly ruleDrainPage: number;
  /** Time after which a worker looks again whether a paused rule has been resumed, in seconds. */
  readonly ruleHoldSeconds: number;
  /**
   * Failures of one rule that are kept for each day (UTC), for 14 days. Those beyond are counted
   * and lost (RuleFailuresDropped).
   */
  readonly ruleFailuresPerDay: number;
  /** Time between two messages about failures of one rule, in seconds. */
  readonly ruleFailedMessageSeconds: number;
  /** How often rules may publish one message again; a further time is a failure, `rule-cycle`. */
  readonly ruleMaxHops: number;
  /**
   * Log lines about refusals that a process writes in a minute: clients cause them, and each is
   * paid for. Counters have all refusals.
   */
  readonly refusalLinesPerMinute: number;
  /** Banned clients of a tenant: each is a row, and the operator looks through them. */
  readonly maxBans: number;
  /** Longest ban, in seconds: 30 days. Who must never come back has its tokens revoked. */
  readonly maxBanSeconds: number;
  /** Length of the reason of a ban in UTF-8 bytes, which the client is told. */
  readonly maxBanReasonBytes: number;
}

export const defaultSettings: Settings = {
  maxPacketBytes,
  receiveMaximum: 1_000,
  topicAliasMaximum: 32,
  maxKeepAliveSeconds: 540,
  v3SessionExpirySeconds: 7 * 86_400,
  maxSessionExpirySeconds: 0xffff_ffff,
  maxObservers: 20,
  maxObserverSeconds: 3_600,
  maxObserverFilters: 8,
  maxTraceSeconds: 3_600,
  traceLinesPerSecond: 50,
  defaultQuotas,
  connectsPerMinutePerClient: 60,
  maxQueuedMessages: quotaBounds.queuedMessages,
  catchUpWindowMessages: 100,
  sendingSeconds: 40,
  maxShapes: quotaBounds.shapes,
  shapesPerClient: 16,
  maxRulesPerMessage: 8,
  maxRulesPerFilter: 8,
  maxOwnRulesPerFilter: 4,
  maxSubscriptionsPerClient: quotaBounds.subscriptionsPerClient,
  maxFiltersPerPacket: 1_000,
  maxClientIdBytes: 256,
  authenticationDeadlineSeconds: 10,
  tenantSettleSeconds: 35,
  retainedPerRun: 1_000,
  retainedReadsPerRun: 20,
  maxMatchQueries: 4_096,
  maxConcurrentPosts: 64,
  maxConcurrentEdgePosts: 1_024,
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
  edgeLookSeconds: 15,
  edgeDoorGraceSeconds: 10,
  edgeRetrySeconds: 5,
  edgeSweepsAtOnce: 16,
  edgeSweepSeconds: 15,
  ruleCircuitFailures: 5,
  ruleRetrySeconds: 5,
  ruleRetryMaxSeconds: 900,
  ruleRetryAfterMaxSeconds: 3_600,
  ruleRunSeconds: 15,
  ruleEarlyDeleteMs: 250,
  ruleSlowMs: 1_000,
  ruleAbandonMs: 1_500,
  ruleSlowWorkers: 4,
  ruleDrainStrands: 64,
  ruleDrainPage: 25,
  ruleHoldSeconds: 900,
  ruleFailuresPerDay: 10_000,
  ruleFailedMessageSeconds: 60,
  ruleMaxHops: 3,
  refusalLinesPerMinute: 100,
  maxBans: 10_000,
  maxBanSeconds: quotaBounds.banFlappingSeconds,
  maxBanReasonBytes: 256,
};
