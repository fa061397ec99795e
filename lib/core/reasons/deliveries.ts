import type { Reason } from './reason.ts';

/** Messages that were accepted and reach one of their subscribers, or a rule, no more. */
export const deliveryReasons = {
  'message-expired': {
    message: 'the message has expired before its subscriber could get it (Message Expiry Interval)',
    remedy: 'Publish with a longer expiry, or connect the subscriber sooner.',
  },
  'message-overdue': {
    message: 'the message has waited longer than it may for a client that is offline (queueSeconds)',
    remedy: 'Connect the client sooner, or raise the quota queueSeconds.',
  },
  'client-unreachable': {
    message: 'the connection was gone or took nothing, and a message at QoS 0 is not sent again',
    remedy: 'Subscribe and publish at QoS 1 where a message must arrive.',
  },
  'client-offline': {
    message: 'the client is not connected, and a message at QoS 0 does not wait for it',
    remedy: 'Subscribe and publish at QoS 1, and connect with a session that outlives its connection.',
  },
  'message-rules-full': {
    message: 'the message would have fired more rules than one message may (maxRulesPerMessage)',
    remedy: 'Make the filters or patterns of the rules narrower. Rules fire in the order of their names.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
