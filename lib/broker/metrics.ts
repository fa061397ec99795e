/** CloudWatch namespace of the counters; their one dimension, `service`, is the name of the stack. */
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
