/** Why a client gets a message, gets it later, or does not get it: code and words. */
const findings = {
  'tenant-suspended': 'The tenant is suspended: nothing is published or delivered.',
  'no-session': 'There is no session: the client has never connected, or its session has ended.',
  'session-expired': 'The session of the client has expired.',
  banned: 'The client is banned: it cannot connect.',
  'no-filter': 'None of the subscriptions of the client matches the topic.',
  'no-subscription': 'The client has no subscriptions.',
  'dollar-topic': 'The topic begins with "$": a filter that begins with a wildcard does not match it.',
  'subscribe-right-missing': 'The token of the client does not allow it to subscribe to the topic.',
  'subscribe-right-gone':
    'The token that the client has now does not allow this subscription: it ends when the token is renewed.',
  'publish-right-missing': 'The token of the publisher does not allow it to publish to the topic.',
  'publisher-offline':
    'The publisher is offline: what it may publish is known while it is connected. Trace its next connection.',
  'publish-dollar': 'Topics that begin with "$" belong to the server: clients do not publish to them.',
  'no-local': 'The client is the publisher, and its subscription has No Local.',
  shared: 'The subscription is shared: one of its members gets each message.',
  'shared-online': 'The subscription is shared, and members that are online get the messages.',
  'offline-queued': 'The client is offline: the message waits in its queue.',
  'offline-qos-0': 'The client is offline, and at QoS 0 a message does not wait.',
  'behind-queue': 'The client has not acknowledged earlier messages: the message waits behind them.',
  'queue-full': 'The queue of the client is full: the message is dropped.',
  'too-large': 'The message is larger than the client takes (Maximum Packet Size): it is dropped.',
} as const;

export type FindingCode = keyof typeof findings;

export interface Finding {
  readonly code: FindingCode;
  readonly text: string;
}

export function finding(code: FindingCode): Finding {
  return { code, text: findings[code] };
}
