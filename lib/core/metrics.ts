import type { UsageCounts } from './usage.ts';

/**
 * CloudWatch namespace. All metrics have the dimension `service`, the name of the stack. Counters
 * have no other dimension, except that of refusals.
 */
export const metricsNamespace = 'Wisp';

/** Names of the counters. Dashboards, alarms and tests use them. */
export const metrics = {
  connectsAccepted: 'ConnectsAccepted',
  connectsRefused: 'ConnectsRefused',
  messagesReceived: 'MessagesReceived',
  messagesDelivered: 'MessagesDelivered',
  messagesDroppedTooLarge: 'MessagesDroppedTooLarge',
  messagesDroppedQueueFull: 'MessagesDroppedQueueFull',
  messagesDroppedUnreadable: 'MessagesDroppedUnreadable',
  messagesExpired: 'MessagesExpired',
  publishesNotAuthorized: 'PublishesNotAuthorized',
  publishesOverQuota: 'PublishesOverQuota',
  packetsOverQuota: 'PacketsOverQuota',
  publishesOverTopicLimits: 'PublishesOverTopicLimits',
  subscriptionsNotAuthorized: 'SubscriptionsNotAuthorized',
  subscriptionsOverQuota: 'SubscriptionsOverQuota',
  subscriptionsRemoved: 'SubscriptionsRemoved',
  shapesRemoved: 'ShapesRemoved',
  /** Rules that a message would have fired beyond `maxRulesPerMessage`. */
  rulesBeyondBound: 'RulesBeyondBound',
  /** Rules that a message did not fire because a later release has written their pattern. */
  rulesUnreadable: 'RulesUnreadable',
  /** Patterns that the worker of rules compares, because they took too many steps for a publish. */
  rulesUndecided: 'RulesUndecided',
  /** Records of rules that were left out because the deployment has no rule queue. */
  rulesWithoutQueue: 'RulesWithoutQueue',
  retainedContinued: 'RetainedContinued',
  connectionsRevoked: 'ConnectionsRevoked',
  clientsBanned: 'ClientsBanned',
  connectionLooksFailed: 'ConnectionLooksFailed',
  framesRefused: 'FramesRefused',
  protocolErrors: 'ProtocolErrors',
  lifecycleEventsFailed: 'LifecycleEventsFailed',
  usageWritesFailed: 'UsageWritesFailed',
  postsGone: 'PostsGone',
  postsFailed: 'PostsFailed',
  /** Processes of the edge that were declared dead. */
  edgesDead: 'EdgesDead',
  backDoorPostsFailed: 'BackDoorPostsFailed',
  edgeConnectionsLost: 'EdgeConnectionsLost',
  doorMessagesRefused: 'DoorMessagesRefused',
  /** Records of rules that their targets have taken. */
  rulesDelivered: 'RulesDelivered',
  /** Attempts of rules that failed and are repeated. */
  ruleAttemptsFailed: 'RuleAttemptsFailed',
  /** Records of rules that were given up. */
  rulesDead: 'RulesDead',
  /** Of these, records for which the rule had no more room among its failures. */
  ruleFailuresDropped: 'RuleFailuresDropped',
  ruleCircuitsOpened: 'RuleCircuitsOpened',
  /** Strands of rules that gave way because their target is slow, so that others go on. */
  rulesSlow: 'RulesSlow',
  /** Records of rules that were put into rows, to wait there. */
  ruleRecordsParked: 'RuleRecordsParked',
  /** Records of rules or tenants that no longer exist. */
  ruleRecordsDropped: 'RuleRecordsDropped',
  /** Rules that were paused because their target is gone. */
  rulesPaused: 'RulesPaused',
  rulesCyclesCut: 'RulesCyclesCut',
  /** Messages of the inbound queue that went to its dead-letter queue. */
  inboundRefused: 'InboundRefused',
  /** Open connections of one process of the edge, once a minute: its average is one process's. */
  edgeConnections: 'EdgeConnections',
  /** Clients that an edge kept out by a bound: of connections, of TLS handshakes. */
  edgeClientsOverBounds: 'EdgeClientsOverBounds',
  /** Clients that an edge ended because they are slow: CONNECT late, not reading, buffers full. */
  edgeClientsSlow: 'EdgeClientsSlow',
  /** Clients that an edge refused for what they sent: no MQTT, TLS failed, packet too large. */
  edgeClientsRefused: 'EdgeClientsRefused',
} as const;

/**
 * The counter of refusals. Its second dimension is their code, of which the catalogue of reasons
 * has a closed set; CloudWatch bills one metric for each code, for the hours in which it is used.
 */
export const refusalMetric = { name: 'Refusals', dimension: 'code' } as const;

/** Names of the optional usage metrics; their second dimension is `tenant`. */
export const tenantUsageMetrics = {
  messagesIn: 'MessagesIn',
  bytesIn: 'BytesIn',
  messagesOut: 'MessagesOut',
  bytesOut: 'BytesOut',
  connects: 'Connects',
  connectionMs: 'ConnectionTime',
  storedBytes: 'StoredBytes',
} as const satisfies Partial<Record<keyof UsageCounts | 'storedBytes', string>>;
