import type { Reason } from './reason.ts';

/** Messages that are refused although their packet is sound (docs/quotas.md). */
export const publishingReasons = {
  'publish-not-authorized': {
    reasonCode: 0x87,
    v3: 'close',
    http: 403,
    message: 'the client may not publish to this topic',
    remedy: 'Grant the topic to publish (docs/tokens.md). Topics that begin with $ belong to the server.',
  },
  'inbound-message': {
    http: 400,
    message: 'the message of the inbound queue is not valid',
    remedy: 'Correct the member that the message names (docs/inbound.md), and send it again.',
  },
  'inbound-failed': {
    http: 409,
    message: 'publishing the message of the inbound queue has failed again and again',
    remedy: 'Look for errors in the log of the function, then redrive the dead-letter queue.',
  },
  'publish-rate': {
    reasonCode: 0x97,
    disconnectCode: 0x96,
    v3: 'close',
    http: 429,
    message: 'the tenant publishes more than it may (publishesPerSecond, publishBytesPerSecond)',
    remedy: 'Publish slower, or raise these quotas of the tenant.',
  },
  'client-publish-rate': {
    reasonCode: 0x97,
    disconnectCode: 0x96,
    v3: 'close',
    http: 429,
    message:
      'the client publishes more than it may (publishesPerSecondPerClient, publishBytesPerSecondPerClient)',
    remedy: 'Publish slower, or raise these quotas of the tenant or of the token.',
  },
  'delivery-rate': {
    reasonCode: 0x97,
    v3: 'close',
    http: 429,
    message: 'the messages of the tenant have more subscribers than it may serve (deliveriesPerSecond)',
    remedy: 'Publish slower or to fewer subscribers, or raise this quota of the tenant.',
  },
  'packet-rate': {
    reasonCode: 0x97,
    disconnectCode: 0x96,
    v3: 0x80,
    message: 'the clients of the tenant send more packets than they may (packetsPerSecond)',
    remedy: 'Send fewer packets, or raise this quota of the tenant.',
  },
  'client-packet-rate': {
    reasonCode: 0x97,
    disconnectCode: 0x96,
    v3: 0x80,
    message: 'the client sends more packets than it may (packetsPerSecondPerClient)',
    remedy: 'Send fewer packets, or raise this quota of the tenant or of the token.',
  },
  'matches-too-many': {
    reasonCode: 0x97,
    v3: 'close',
    http: 429,
    message: 'the topics of one frame or request need too many queries for their subscribers',
    remedy: 'Publish to fewer topics at once; the tenant has many shapes of filters ("wisp shapes").',
  },
  'retained-full': {
    reasonCode: 0x97,
    http: 429,
    message: 'the tenant retains as much as it may (retainedMessages, retainedBytes)',
    remedy: 'Delete retained messages (publish an empty one with RETAIN), or raise these quotas.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
