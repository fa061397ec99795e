import { type MqttErrorCode, mqttErrors } from '../../mqtt/errors.ts';
import type { WireErrorCode } from '../../wire/error.ts';
import { type Reason, withRemedies } from './reason.ts';

const fixLibrary = {
  remedy: 'Update or replace the MQTT library: it writes packets that the specification forbids.',
};
const fixClient = {
  remedy: 'Change the client: the specification forbids what it asks its MQTT library to send.',
};

/** Packets that break MQTT; code and message come from lib/mqtt/errors.ts. */
const mqttReasons = withRemedies(mqttErrors, {
  'partial-packet': { remedy: 'Send complete packets: a frame ends where a packet ends (docs/wire.md).' },
  'packet-too-large': {
    http: 413,
    remedy: 'Send less in one packet, or raise the quota packetBytes, at most 131,072 (docs/quotas.md).',
  },
  'malformed-length': fixLibrary,
  'reserved-packet-type': fixLibrary,
  'server-only-packet': fixClient,
  'connect-expected': { remedy: 'Send CONNECT first, and send nothing else until it has been accepted.' },
  'connect-repeated': { remedy: 'Open another connection for another CONNECT.' },
  'invalid-flags': fixLibrary,
  'invalid-qos': fixLibrary,
  'dup-at-qos-0': fixLibrary,
  'unsupported-protocol-name': { remedy: 'Connect with MQTT 3.1, 3.1.1 or 5.0.' },
  'unsupported-protocol-level': { remedy: 'Connect with MQTT 3.1, 3.1.1 or 5.0.' },
  'invalid-connect-flags': fixLibrary,
  'password-without-user-name': {
    remedy: 'Give a user name (the name of the tenant) with the password, or use MQTT 5.0.',
  },
  'malformed-utf8': fixLibrary,
  'null-character': { remedy: 'Remove U+0000 from client identifiers, topics, user names and properties.' },
  'length-mismatch': fixLibrary,
  'trailing-bytes': fixLibrary,
  'packet-identifier-zero': fixLibrary,
  'no-filters': fixClient,
  'invalid-subscription-options': fixLibrary,
  'invalid-subscription-qos': fixClient,
  'invalid-retain-handling': fixClient,
  'no-local-on-shared': { remedy: 'Leave No Local out of shared subscriptions.' },
  'unknown-property': fixLibrary,
  'property-not-allowed': fixClient,
  'property-from-server-only': fixClient,
  'duplicate-property': fixLibrary,
  'invalid-property-value': fixClient,
  'topic-alias-zero': fixLibrary,
  'authentication-method-missing': {
    remedy: 'Name the authentication method, such as wisp-jwt (docs/tokens.md).',
  },
  'invalid-reason-code': fixClient,
  'payload-format-invalid': {
    http: 400,
    remedy: 'Send UTF-8, or leave the Payload Format Indicator (HTTP: utf8) out.',
  },
  'malformed-packet': fixLibrary,
});

const fixAdapter = {
  remedy: 'Update the adapter or bridge, or correct your implementation of the wire profile (docs/wire.md).',
};

/** Frames that break the wire profile; lib/wire knows the codes alone, because browsers load it. */
const wireReasons = {
  'bad-base64': {
    reasonCode: 0x81,
    message: 'the frame is not base64 with padding',
    ...fixAdapter,
  },
  'bad-frame': {
    reasonCode: 0x81,
    message: 'the frame is empty, or of a form that clients do not send',
    ...fixAdapter,
  },
  'frame-too-large': {
    reasonCode: 0x95,
    message: 'a frame holds at most 24,000 raw bytes',
    ...fixAdapter,
  },
  'bad-length': {
    reasonCode: 0x81,
    message: 'the remaining length of a packet has more than four bytes',
    ...fixAdapter,
  },
  'bad-chunk': {
    reasonCode: 0x81,
    message: 'the header or size of a chunk is wrong, or chunks do not fit together',
    ...fixAdapter,
  },
  'too-many-unfinished': {
    reasonCode: 0x81,
    message: 'too many packets are unfinished: some of their chunks have not arrived',
    ...fixAdapter,
  },
} as const satisfies Readonly<Record<Exclude<WireErrorCode, MqttErrorCode>, Reason>>;

/** Frames and packets in a place where they are not allowed. */
const frameReasons = {
  'chunk-before-connect': {
    reasonCode: 0x81,
    message: 'CONNECT must fit into one frame',
    remedy:
      'Make CONNECT smaller: shorten the token, the Will or the user properties to 24,000 bytes in all.',
  },
  'chunks-incomplete': {
    reasonCode: 0x81,
    message: 'chunks of the packet are missing',
    remedy: 'Await the reply to each frame before the next: the last chunk was handled before the others.',
  },
  'chunks-mismatched': {
    reasonCode: 0x81,
    message: 'the chunks are not exactly one packet',
    ...fixAdapter,
  },
  'frame-too-costly': {
    reasonCode: 0x97,
    message: 'the frame asks for more work than one frame may',
    remedy:
      'Update the adapter or bridge, which cut frames to the bounds (docs/wire.md), and name at most 1,000 filters in a packet.',
  },
  'not-one-way': {
    reasonCode: 0x82,
    message: 'a one-way frame holds only PUBLISH at QoS 0 without topic alias, and final acknowledgements',
    ...fixAdapter,
  },
} as const satisfies Readonly<Record<string, Reason>>;

export const packetReasons = { ...mqttReasons, ...wireReasons, ...frameReasons } as const;
