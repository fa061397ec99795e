import type { UsageCounts } from './usage.ts';

/** CloudWatch namespace; dimension `service` of all metrics is the name of the stack, and the counters have no other. */
export const metricsNamespace = 'Wisp';

/** Names of the counters, in one place: dashboards, alarms and tests refer to them. */
export const metrics = {
  connectsAccepted: 'ConnectsAccepted',
  connectsRefused: 'ConnectsRefused',
  messagesReceived: 'MessagesReceived',
  messagesDelivered: 'MessagesDelivered',
  messagesDroppedTooLarge: 'MessagesDroppedTooLarge',
  messagesDroppedQueueFull: 'MessagesDroppedQueueFull',
  messagesExpired: 'MessagesExpired',
  publishesNotAuthorized: 'PublishesNotAuthorized',
  publishesOverQuota: 'PublishesOverQuota',
  subscriptionsNotAuthorized: 'SubscriptionsNotAuthorized',
  subscriptionsRemoved: 'SubscriptionsRemoved',
  connectionsRevoked: 'ConnectionsRevoked',
  protocolErrors: 'ProtocolErrors',
  lifecycleEventsFailed: 'LifecycleEventsFailed',
  usageWritesFailed: 'UsageWritesFailed',
  postsGone: 'PostsGone',
  postsFailed: 'PostsFailed',
} as const;

/** Names of usage by tenant, where a deployment has it as metrics: their second dimension is `tenant`. */
export const tenantUsageMetrics = {
  messagesIn: 'MessagesIn',
  bytesIn: 'BytesIn',
  messagesOut: 'MessagesOut',
  bytesOut: 'BytesOut',
  connects: 'Connects',
  connectionMs: 'ConnectionTime',
  storedBytes: 'StoredBytes',
} as const satisfies Record<keyof UsageCounts | 'storedBytes', string>;
