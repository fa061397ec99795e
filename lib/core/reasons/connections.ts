import type { Reason } from './reason.ts';

/** Refused CONNECTs, subscriptions, and why connections end. */
export const connectionReasons = {
  'profile-not-offered': {
    message: 'a WebSocket client of the gateway does not offer the subprotocol wisp.b64.v1',
    remedy:
      'Connect with wisp-mqtt-client, or connect stock MQTT clients to a bridge: "wisp bridge" (docs/bridge.md). API Gateway answers 400 without a text.',
  },
  'client-id-empty': {
    reasonCode: 0x85,
    message: 'a client identifier is needed',
    remedy: 'Give one: MQTT 3.1 always needs it, MQTT 3.1.1 for a session that is kept (Clean Session 0).',
  },
  'client-id-too-long': {
    reasonCode: 0x85,
    message: 'the client identifier is too long',
    remedy: 'Shorten it to the number of UTF-8 bytes that the message names.',
  },
  'client-id-not-granted': {
    reasonCode: 0x85,
    http: 403,
    message: 'the token names another client identifier',
    remedy: 'Connect with the client identifier of the token, or leave it empty.',
  },
  'client-id-taken': {
    reasonCode: 0x85,
    message: 'the session of this client identifier belongs to another subject',
    remedy:
      'Use a client identifier of your own, or a token that names this one (mqtt.clientId). The operator can free it: "wisp client release".',
  },
  'will-not-authorized': {
    reasonCode: 0x87,
    message: 'the client may not publish its Will',
    remedy: 'Grant the topic of the Will to publish, or choose another one.',
  },
  'session-busy': {
    reasonCode: 0x89,
    message: 'the session is being opened by too many connections at once',
    remedy: 'Connect again with back-off; make sure that no two clients use the same client identifier.',
  },
  'client-banned': {
    reasonCode: 0x8a,
    disconnectCode: 0x98,
    http: 403,
    message: 'the client is banned',
    remedy: 'Wait until the time that the message names. The operator can end the ban: "wisp unban".',
  },
  'too-many-connections': {
    reasonCode: 0x97,
    message: 'the tenant has too many connections',
    remedy: 'Close connections that are not used, or raise the quota connections.',
  },
  'connect-rate': {
    reasonCode: 0x9f,
    message: 'this client connects too often',
    remedy: 'Connect again with back-off; make sure that no two clients use the same client identifier.',
  },
  'tenant-connect-rate': {
    reasonCode: 0x9f,
    message: 'the clients of the tenant send more packets than they may (packetsPerSecond)',
    remedy: 'Connect again with back-off, or raise this quota of the tenant.',
  },
  'session-taken-over': {
    reasonCode: 0x8e,
    message: 'the session belongs to another connection',
    remedy: 'Give each client its own client identifier; a reconnect of the same client is harmless.',
  },
  'connack-too-large': {
    reasonCode: 0x95,
    message: 'the Maximum Packet Size of the client has no room for its CONNACK',
    remedy: 'Set a larger Maximum Packet Size in CONNECT, or none.',
  },
  'session-expiry-raised': {
    reasonCode: 0x82,
    message: 'a session that ends with its connection cannot be given an expiry by DISCONNECT',
    remedy: 'Set the Session Expiry Interval in CONNECT.',
  },
  'too-many-filters': {
    reasonCode: 0x97,
    v3: 'close',
    message: 'the SUBSCRIBE or UNSUBSCRIBE has too many filters',
    remedy: 'Split it into packets of at most the number of filters that the message names.',
  },
  'subscribe-not-authorized': {
    reasonCode: 0x87,
    v3: 0x80,
    message: 'the client may not subscribe to this filter',
    remedy: 'Grant the filter, or one that covers it, to subscribe (docs/tokens.md).',
  },
  'subscriptions-full': {
    reasonCode: 0x97,
    v3: 0x80,
    message: 'the client has as many subscriptions as it may have (subscriptionsPerClient)',
    remedy: 'Use wildcards, unsubscribe, or raise the quota subscriptionsPerClient.',
  },
  'shapes-full': {
    reasonCode: 0x97,
    v3: 0x80,
    message: 'the filters of the tenant have as many shapes as they may have (shapes)',
    remedy: 'Use filters whose wildcards stand in the same levels, or raise the quota shapes.',
  },
  'client-shapes-full': {
    reasonCode: 0x97,
    v3: 0x80,
    message:
      'the filters of the client have, or had in this hour, as many shapes as they may have (shapesPerClient)',
    remedy:
      'Use filters whose wildcards stand in the same levels, unsubscribe, or raise the quota shapesPerClient.',
  },
  'receive-maximum-exceeded': {
    reasonCode: 0x93,
    message: 'more messages are unacknowledged than the Receive Maximum of CONNACK allows',
    remedy: 'Await PUBACK or PUBCOMP before publishing more at QoS 1 and 2.',
  },
  'keep-alive-timeout': {
    reasonCode: 0x8d,
    message: 'no packet arrived within 1.5 times the keep-alive',
    remedy: 'Send PINGREQ in time; CONNACK may have set a shorter Server Keep Alive.',
  },
  'client-disconnected': {
    reasonCode: 0x98,
    message: 'disconnected by the operator',
    remedy: 'Ask the operator; the client may connect again.',
  },
  'server-stopping': {
    reasonCode: 0x8b,
    message: 'this process stops or is replaced',
    remedy: 'Connect again: another process answers.',
  },
  'back-door-lost': {
    reasonCode: 0x8b,
    message: 'messages for the client may have been lost inside the service',
    remedy: 'Connect again: what the client has not acknowledged is sent again.',
  },
  'client-disconnect': {
    message: 'the client disconnected',
    remedy: 'Nothing: the client sent DISCONNECT.',
  },
  'connection-lost': {
    message: 'the connection was lost without DISCONNECT',
    remedy: 'Check the network of the client; after at most two hours API Gateway ends every connection.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
