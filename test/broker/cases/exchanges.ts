import type { Packet } from '../../../lib/mqtt/types.ts';
import type { Got, Sendable } from '../../support/raw-client.ts';
import { publish, subscribe, unsubscribe } from '../packets.ts';
import type { ConnectFields } from '../suite.ts';

/** One frame on a new connection, with exactly the packets that must answer it. */
export interface ExchangeCase {
  readonly name: string;
  readonly versions: readonly (3 | 4 | 5)[];
  readonly connect?: ConnectFields;
  readonly send: readonly Sendable[];
  readonly replies?: readonly Got[];
  readonly pushes?: readonly Got[];
  /** The server closes; in 5.0 after a DISCONNECT with this reason code. */
  readonly ends?: number | 'silently';
  /** Messages that are dropped without a word in 5.0. */
  readonly untold?: number;
}

const all = [3, 4, 5] as const;
const v3 = [3, 4] as const;
const v5 = [5] as const;
const puback = (messageId: number, reasonCode?: number): Got => ({
  cmd: 'puback',
  messageId,
  ...(reasonCode === undefined ? {} : { reasonCode }),
});
const pubrec = (messageId: number, reasonCode?: number): Got => ({
  ...puback(messageId, reasonCode),
  cmd: 'pubrec',
});
const suback = (messageId: number, ...granted: number[]): Got => ({ cmd: 'suback', messageId, granted });
const qos1 = (topic: string, payload = 'x', fields: Partial<Packet> = {}) =>
  publish(topic, payload, { qos: 1, messageId: 7, ...(fields as object) });
const qos2 = (topic: string, payload = 'x') => publish(topic, payload, { qos: 2, messageId: 7 });
const few = { claims: { mqtt: { publish: ['may/#'], subscribe: ['may/#'] } } };

const connectionPackets: ExchangeCase[] = [
  {
    name: 'PINGREQ [MQTT-3.12.4-1 v3+v5]',
    versions: all,
    send: [{ cmd: 'pingreq' }],
    replies: [{ cmd: 'pingresp' }],
  },
  {
    name: 'a burst of PINGREQ',
    versions: all,
    send: Array.from({ length: 20 }, () => ({ cmd: 'pingreq' as const })),
    replies: Array.from({ length: 20 }, () => ({ cmd: 'pingresp' })),
  },
  {
    name: 'DISCONNECT',
    versions: all,
    send: [{ cmd: 'disconnect' }],
    ends: 'silently',
  },
  {
    name: 'packets after DISCONNECT are not answered',
    versions: all,
    send: [{ cmd: 'disconnect' }, { cmd: 'pingreq' }],
    ends: 'silently',
  },
  ...[0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99].map(
    (reasonCode): ExchangeCase => ({
      name: `DISCONNECT 0x${reasonCode.toString(16)}`,
      versions: v5,
      send: [{ cmd: 'disconnect', reasonCode }],
      ends: 'silently',
    }),
  ),
  {
    name: 'DISCONNECT that raises a session expiry of 0 (section 3.14.2.2.2)',
    versions: v5,
    send: [{ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 60 } }],
    ends: 0x82,
  },
  {
    name: 'DISCONNECT that sets another session expiry',
    versions: v5,
    connect: { properties: { sessionExpiryInterval: 60 } },
    send: [{ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } }],
    ends: 'silently',
  },
  {
    name: 'DISCONNECT with a code that only a server sends [MQTT-3.14.2-2 v5]',
    versions: v5,
    send: [{ cmd: 'disconnect', reasonCode: 0x8e }],
    ends: 0x82,
  },
  {
    name: 'AUTH where CONNECT named no method [MQTT-4.12.0-7 v5]',
    versions: v5,
    send: [{ cmd: 'auth', reasonCode: 0x19, properties: { authenticationMethod: 'wisp-jwt' } }],
    ends: 0x82,
  },
  {
    name: 'AUTH with a method other than that of CONNECT [MQTT-4.12.1-1 v5]',
    versions: v5,
    connect: { properties: { authenticationMethod: 'wisp-jwt' } },
    send: [{ cmd: 'auth', reasonCode: 0x19, properties: { authenticationMethod: 'OAUTH2-JWT' } }],
    ends: 0x82,
  },
  {
    name: 'AUTH that continues where no exchange is in progress',
    versions: v5,
    connect: { properties: { authenticationMethod: 'wisp-jwt' } },
    send: [{ cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'wisp-jwt' } }],
    ends: 0x82,
  },
  {
    name: 're-authentication without a token [MQTT-4.12.1-2 v5]',
    versions: v5,
    connect: { properties: { authenticationMethod: 'wisp-jwt' } },
    send: [{ cmd: 'auth', reasonCode: 0x19, properties: { authenticationMethod: 'wisp-jwt' } }],
    ends: 0x87,
  },
  {
    name: 're-authentication with a malformed token [MQTT-4.12.1-2 v5]',
    versions: v5,
    connect: { properties: { authenticationMethod: 'wisp-jwt' } },
    send: [
      {
        cmd: 'auth',
        reasonCode: 0x19,
        properties: { authenticationMethod: 'wisp-jwt', authenticationData: Buffer.from('swordfish') },
      },
    ],
    ends: 0x87,
  },
];

const acknowledgements: ExchangeCase[] = [
  {
    name: 'PUBACK and PUBCOMP for unknown packet identifiers',
    versions: all,
    send: [{ cmd: 'puback', messageId: 77 }, { cmd: 'pubcomp', messageId: 78 }, { cmd: 'pingreq' }],
    replies: [{ cmd: 'pingresp' }],
  },
  {
    name: 'PUBREC for an unknown packet identifier (section 4.4)',
    versions: v5,
    send: [{ cmd: 'pubrec', messageId: 77 }],
    replies: [{ cmd: 'pubrel', qos: 1, messageId: 77, reasonCode: 0x92 }],
  },
  {
    name: 'PUBREC for an unknown packet identifier',
    versions: v3,
    send: [{ cmd: 'pubrec', messageId: 77 }],
    replies: [{ cmd: 'pubrel', qos: 1, messageId: 77 }],
  },
  {
    name: 'PUBREC with a failure for an unknown packet identifier',
    versions: v5,
    send: [{ cmd: 'pubrec', messageId: 77, reasonCode: 0x83 }, { cmd: 'pingreq' }],
    replies: [{ cmd: 'pingresp' }],
  },
  {
    name: 'PUBREL without PUBLISH [MQTT-4.3.3-11 v5]',
    versions: v5,
    send: [{ cmd: 'pubrel', messageId: 77 }],
    replies: [{ cmd: 'pubcomp', messageId: 77, reasonCode: 0x92 }],
  },
  {
    name: 'PUBREL without PUBLISH [MQTT-4.3.3-2 v3]',
    versions: v3,
    send: [{ cmd: 'pubrel', messageId: 77 }],
    replies: [{ cmd: 'pubcomp', messageId: 77 }],
  },
];

const invalidFilters = [
  'a#',
  '#/a',
  'a/#/b',
  'a+',
  'a/+b',
  '+a/b',
  'a/b+/c',
  '##',
  '++',
  '$share/',
  '$share//a',
  '$share/g',
  '$share/g/',
  '$share/g+/a',
  '$share/#/a',
  '$share/g/a#',
];
const notAllowedFilters = ['a/'.repeat(40), 'x'.repeat(1_100)];

const subscribing: ExchangeCase[] = [
  {
    name: 'SUBSCRIBE with many filters, answered in order [MQTT-2.3.1-7 v3, MQTT-3.8.4-1 v3+v5, MQTT-3.8.4-2 v3+v5, MQTT-3.8.4-4 v3, MQTT-3.8.4-5 v3, MQTT-3.8.4-5 v5, MQTT-3.8.4-6 v5, MQTT-3.9.3-1 v3+v5, MQTT-2.2.1-6 v5, MQTT-3.8.4-7 v5]',
    versions: all,
    send: [
      subscribe(
        5,
        { topic: 'a', qos: 0 },
        { topic: '+/b', qos: 1 },
        { topic: 'c/#', qos: 2 },
        { topic: '#', qos: 0 },
        { topic: '/', qos: 1 },
      ),
    ],
    replies: [suback(5, 0, 1, 2, 0, 1)],
  },
  {
    name: 'a SUBSCRIBE at the bound of filters',
    versions: v5,
    send: [subscribe(5, ...Array.from({ length: 1_000 }, (_, i) => `many/${i}`))],
    replies: [suback(5, ...Array.from({ length: 1_000 }, () => 0))],
  },
  {
    name: 'a SUBSCRIBE beyond the bound of filters',
    versions: all,
    send: [subscribe(5, ...Array.from({ length: 1_001 }, (_, i) => `many/${i}`))],
    ends: 0x97,
  },
  {
    name: 'an UNSUBSCRIBE beyond the bound of filters',
    versions: all,
    send: [unsubscribe(5, ...Array.from({ length: 1_001 }, (_, i) => `many/${i}`))],
    ends: 0x97,
  },
  {
    name: 'well-formed filters that are not accepted between others [MQTT-3.8.4-7 v5, MQTT-3.9.3-2 v5]',
    versions: v5,
    send: [subscribe(5, 'a', ...notAllowedFilters, 'b')],
    replies: [suback(5, 0, ...notAllowedFilters.map(() => 0x8f), 0)],
  },
  {
    name: 'well-formed filters that are not accepted between others',
    versions: v3,
    send: [subscribe(5, 'a', ...notAllowedFilters, 'b')],
    replies: [suback(5, 0, ...notAllowedFilters.map(() => 0x80), 0)],
  },
  ...invalidFilters.map(
    (filter): ExchangeCase => ({
      name: `the ill-formed filter ${filter} [MQTT-4.7.1-1 v5, MQTT-4.7.1-2 v3+v5, MQTT-4.7.1-3 v3, MQTT-4.8.0-1 v3, MQTT-4.8.2-1 v5, MQTT-4.8.2-2 v5, MQTT-4.13.1-1 v5]`,
      versions: all,
      send: [subscribe(5, 'a', filter, 'b')],
      ends: 0x81,
    }),
  ),
  {
    name: 'an ill-formed filter in UNSUBSCRIBE [MQTT-4.8.0-1 v3, MQTT-4.13.1-1 v5]',
    versions: all,
    send: [unsubscribe(6, 'a', 'a/#/b')],
    ends: 0x81,
  },
  {
    name: 'an empty filter [MQTT-4.7.3-1 v3+v5]',
    versions: v5,
    send: ['82060005000000' + '00'],
    ends: 0x81,
  },
  {
    name: 'an ill-formed filter behind another SUBSCRIBE [MQTT-4.13.1-1 v5]',
    versions: v5,
    send: [subscribe(4, 'a'), subscribe(5, 'a+')],
    pushes: [suback(4, 0)],
    ends: 0x81,
  },
  {
    name: 'filters that the token does not cover [MQTT-3.8.4-7 v5, MQTT-3.9.3-2 v5]',
    versions: v5,
    connect: few,
    send: [subscribe(5, 'may/x', 'may/+/y', 'other', '#', '+', 'may/#', '$share/g/other', '$share/g/may/x')],
    replies: [suback(5, 0, 0, 0x87, 0x87, 0x87, 0, 0x87, 0)],
  },
  {
    name: 'filters that the token does not cover [MQTT-3.9.3-2 v3]',
    versions: v3,
    connect: few,
    send: [subscribe(5, 'may/x', 'other', '#')],
    replies: [suback(5, 0, 0x80, 0x80)],
  },
  {
    name: 'a No Local shared subscription [MQTT-3.8.3-4 v5]',
    versions: v5,
    send: [subscribe(5, { topic: '$share/g/a', qos: 0, nl: true })],
    ends: 0x82,
  },
  {
    name: 'UNSUBSCRIBE [MQTT-3.10.4-4 v5, MQTT-3.10.4-5 v5, MQTT-3.10.4-6 v5, MQTT-3.11.3-1 v5, MQTT-3.11.3-2 v5, MQTT-2.2.1-6 v5]',
    versions: v5,
    send: [
      subscribe(5, 'a', 'b/+', '$share/g/c'),
      unsubscribe(6, 'a', 'nothing', 'b/+', notAllowedFilters[0] ?? '', '$share/g/c', '$share/h/c', 'b/x'),
    ],
    replies: [
      suback(5, 0, 0, 0),
      { cmd: 'unsuback', messageId: 6, granted: [0, 0x11, 0, 0x8f, 0, 0x11, 0x11] },
    ],
  },
  {
    name: 'UNSUBSCRIBE [MQTT-2.3.1-7 v3, MQTT-3.10.4-4 v3, MQTT-3.10.4-5 v3, MQTT-3.10.4-6 v3]',
    versions: v3,
    send: [subscribe(5, 'a'), unsubscribe(6, 'a', 'nothing')],
    replies: [suback(5, 0), { cmd: 'unsuback', messageId: 6 }],
  },
  {
    name: 'one filter twice in an UNSUBSCRIBE',
    versions: v5,
    send: [subscribe(5, 'a'), unsubscribe(6, 'a', 'a')],
    replies: [suback(5, 0), { cmd: 'unsuback', messageId: 6, granted: [0, 0x11] }],
  },
  {
    name: 'no message after UNSUBSCRIBE [MQTT-3.10.4-1 v5, MQTT-3.10.4-2 v5]',
    versions: v5,
    send: [
      subscribe(5, 'a', 'a/#'),
      unsubscribe(6, 'a/#'),
      publish('a', 'one'),
      unsubscribe(6, 'a'),
      publish('a', 'two'),
    ],
    replies: [
      suback(5, 0, 0),
      { cmd: 'unsuback', messageId: 6, granted: [0] },
      { cmd: 'unsuback', messageId: 6, granted: [0] },
    ],
    pushes: [{ cmd: 'publish', topic: 'a', payload: 'one' }],
  },
  {
    name: 'no message after UNSUBSCRIBE [MQTT-3.10.4-1 v3, MQTT-3.10.4-2 v3]',
    versions: v3,
    send: [
      subscribe(5, 'a', 'a/#'),
      unsubscribe(6, 'a/#'),
      publish('a', 'one'),
      unsubscribe(7, 'a'),
      publish('a', 'two'),
    ],
    replies: [suback(5, 0, 0), { cmd: 'unsuback', messageId: 6 }, { cmd: 'unsuback', messageId: 7 }],
    pushes: [{ cmd: 'publish', topic: 'a', payload: 'one' }],
  },
];

const publishing: ExchangeCase[] = [
  {
    name: 'PUBLISH at each QoS [MQTT-2.3.1-6 v3, MQTT-3.3.4-1 v3, MQTT-3.3.4-1 v5, MQTT-4.3.1-1 v3]',
    versions: v3,
    send: [subscribe(1, 'a'), publish('a', 'zero'), qos1('a', 'one'), qos2('a', 'two')],
    replies: [suback(1, 0), puback(7), pubrec(7)],
    pushes: ['zero', 'one', 'two'].map((payload) => ({ cmd: 'publish', topic: 'a', payload })),
  },
  {
    name: 'PUBLISH at each QoS [MQTT-3.3.4-1 v5, MQTT-2.2.1-5 v5, MQTT-4.3.2-4 v5, MQTT-4.3.3-8 v5]',
    versions: v5,
    send: [subscribe(1, 'a'), publish('a', 'zero'), qos1('a', 'one'), qos2('a', 'two')],
    replies: [suback(1, 0), puback(7, 0), pubrec(7, 0)],
    pushes: ['zero', 'one', 'two'].map((payload) => ({ cmd: 'publish', topic: 'a', payload })),
  },
  {
    name: 'PUBLISH without subscribers',
    versions: v5,
    send: [qos1('nobody'), qos2('nobody')],
    replies: [puback(7, 0x10), pubrec(7, 0x10)],
  },
  {
    name: 'PUBLISH without subscribers',
    versions: v3,
    send: [qos1('nobody'), qos2('nobody')],
    replies: [puback(7), pubrec(7)],
  },
  ...['a/+', '#', '+', 'a#', 'a/#/b'].map(
    (topic): ExchangeCase => ({
      name: `PUBLISH to ${topic} [MQTT-3.3.2-2 v3+v5, MQTT-4.7.1-1 v3, MQTT-4.7.0-1 v5]`,
      versions: all,
      send: [publish(topic, 'x')],
      ends: 0x90,
    }),
  ),
  ...(
    [
      ['more than 1,000 bytes', 'x'.repeat(1_001), 'a topic name has at most 1000 UTF-8 bytes'],
      ['more than 64 levels', 'x/'.repeat(64), 'a topic name has at most 64 levels'],
    ] as const
  ).flatMap(([what, topic, reasonString]): ExchangeCase[] => [
    {
      name: `PUBLISH to a topic of ${what} is refused by itself [MQTT-4.7.3-3 v3+v5]`,
      versions: v5,
      send: [
        subscribe(1, '#'),
        publish(topic, 'x', { qos: 1, messageId: 2 }),
        publish(topic, 'x', { qos: 2, messageId: 3 }),
        publish(topic, 'x'),
        publish('a', 'next', { qos: 1, messageId: 4 }),
      ],
      replies: [
        suback(1, 0),
        { ...puback(2, 0x90), properties: { reasonString } },
        { ...pubrec(3, 0x90), properties: { reasonString } },
        puback(4, 0),
      ],
      pushes: [{ cmd: 'publish', topic: 'a', payload: 'next' }],
      untold: 1,
    },
    {
      name: `PUBLISH to a topic of ${what} is acknowledged and dropped [MQTT-3.3.5-2 v3]`,
      versions: v3,
      send: [
        subscribe(1, '#'),
        publish(topic, 'x', { qos: 1, messageId: 2 }),
        publish(topic, 'x', { qos: 2, messageId: 3 }),
        publish('a', 'next', { qos: 1, messageId: 4 }),
      ],
      replies: [suback(1, 0), puback(2), pubrec(3), puback(4)],
      pushes: [{ cmd: 'publish', topic: 'a', payload: 'next' }],
    },
  ]),
  {
    name: 'PUBLISH to a topic of 1,000 bytes',
    versions: all,
    send: [subscribe(1, '#'), publish('x'.repeat(1_000), 'x')],
    replies: [suback(1, 0)],
    pushes: [{ cmd: 'publish', topic: 'x'.repeat(1_000), payload: 'x' }],
  },
  {
    name: 'PUBLISH to a zero-length topic [MQTT-4.7.3-1 v3+v5]',
    versions: v3,
    send: ['30020000'],
    ends: 0x82,
  },
  { name: 'PUBLISH to a zero-length topic without alias', versions: v5, send: ['3003000000'], ends: 0x82 },
  {
    name: 'PUBLISH to a topic that the token does not allow',
    versions: v5,
    connect: few,
    send: [qos1('other'), qos2('other'), publish('other', 'x'), qos1('may/x')],
    replies: [puback(7, 0x87), pubrec(7, 0x87), puback(7, 0x10)],
    untold: 1,
  },
  {
    name: 'a packet identifier is free after a refusing PUBREC [MQTT-4.3.3-9 v5]',
    versions: v5,
    connect: few,
    send: [subscribe(1, 'may/x'), qos2('other'), qos2('may/x', 'one'), qos2('may/x', 'again')],
    replies: [suback(1, 0), pubrec(7, 0x87), pubrec(7, 0), pubrec(7, 0)],
    pushes: [{ cmd: 'publish', topic: 'may/x', payload: 'one' }],
  },
  {
    name: 'PUBLISH at QoS 0 to a topic that the token does not allow',
    versions: v3,
    connect: few,
    send: [publish('other', 'x'), { cmd: 'pingreq' }],
    replies: [{ cmd: 'pingresp' }],
  },
  ...[qos1('other'), qos2('other')].map(
    (packet): ExchangeCase => ({
      name: `PUBLISH at QoS ${packet.qos} to a topic that the token does not allow [MQTT-3.3.5-2 v3]`,
      versions: v3,
      connect: few,
      send: [packet],
      ends: 'silently',
    }),
  ),
  {
    name: 'PUBLISH to topics of the server (section 4.7.2)',
    versions: v5,
    connect: { claims: { mqtt: { publish: ['#', '$SYS/#', '$x'], subscribe: ['$SYS/#', '$x'] } } },
    send: [
      subscribe(1, '$SYS/#', '$x'),
      qos1('$SYS/x'),
      qos2('$x'),
      publish('$SYS/y', 'x'),
      qos1('$share/g/x'),
    ],
    replies: [suback(1, 0, 0), puback(7, 0x87), pubrec(7, 0x87), puback(7, 0x87)],
    untold: 1,
  },
  {
    name: 'packets before a PUBLISH that ends the connection are handled',
    versions: v5,
    send: [subscribe(1, 'a/#'), qos1('a/b', 'one'), publish('a/+', 'x'), qos1('a/c', 'never')],
    pushes: [{ cmd: 'publish', topic: 'a/b', payload: 'one' }, suback(1, 0), puback(7, 0)],
    ends: 0x90,
  },
  {
    name: 'a payload that is not the UTF-8 that its indicator promises [MQTT-3.3.2-4 v5]',
    versions: v5,
    send: [
      subscribe(1, 'a'),
      publish('a', Uint8Array.of(0xff), {
        qos: 1,
        messageId: 7,
        properties: { payloadFormatIndicator: true },
      }),
      publish('a', Uint8Array.of(0xc0, 0x80), {
        qos: 2,
        messageId: 8,
        properties: { payloadFormatIndicator: true },
      }),
      publish('a', 'ü', { qos: 1, messageId: 9, properties: { payloadFormatIndicator: true } }),
    ],
    replies: [suback(1, 0), puback(7, 0x99), pubrec(8, 0x99), puback(9, 0)],
    pushes: [{ cmd: 'publish', topic: 'a', payload: 'ü', properties: { payloadFormatIndicator: true } }],
  },
  ...['a/+', '#', 'x'.repeat(1_100)].map(
    (responseTopic): ExchangeCase => ({
      name: `response topic ${responseTopic.slice(0, 5)} [MQTT-3.3.2-14 v5]`,
      versions: v5,
      send: [publish('a', 'x', { properties: { responseTopic } })],
      ends: 0x90,
    }),
  ),
  {
    name: 'topic alias 0 [MQTT-3.3.2-8 v5]',
    versions: v5,
    // PUBLISH to "a" with alias 0; mqtt-packet would not write it.
    send: ['30070001610323000078'],
    ends: 0x94,
  },
  {
    name: 'a topic alias over the maximum [MQTT-3.3.2-9 v5]',
    versions: v5,
    send: [publish('a', 'x', { properties: { topicAlias: 33 } })],
    ends: 0x94,
  },
  {
    name: 'an unknown topic alias',
    versions: v5,
    send: [publish('', 'x', { properties: { topicAlias: 3 } })],
    ends: 0x82,
  },
  {
    name: 'a topic alias that is set and used in one frame [MQTT-3.3.2-12 v5]',
    versions: v5,
    send: [
      subscribe(1, '#'),
      publish('a', '1', { properties: { topicAlias: 32 } }),
      publish('', '2', { properties: { topicAlias: 32 } }),
      publish('b', '3', { properties: { topicAlias: 32 } }),
      publish('', '4', { properties: { topicAlias: 32 } }),
    ],
    replies: [suback(1, 0)],
    pushes: [
      { cmd: 'publish', topic: 'a', payload: '1' },
      { cmd: 'publish', topic: 'a', payload: '2' },
      { cmd: 'publish', topic: 'b', payload: '3' },
      { cmd: 'publish', topic: 'b', payload: '4' },
    ],
  },
  {
    name: 'a subscription identifier from a client [MQTT-3.3.4-6 v5]',
    versions: v5,
    send: [publish('a', 'x', { properties: { subscriptionIdentifier: 1 } })],
    ends: 0x82,
  },
];

const wildcards: ExchangeCase[] = [
  {
    name: '`+`, `#`, empty levels and capitals [MQTT-3.3.2-3 v3+v5, MQTT-4.7.3-4 v3+v5]',
    versions: all,
    send: [
      subscribe(1, 'sport/#', '+/+', '/+', 'Sport/+/x'),
      ...[
        'sport',
        'sport/tennis',
        'sport/tennis/player',
        'Sport',
        'a/b',
        '/finance',
        'finance',
        'Sport//x',
        'a/',
      ].map((topic) => publish(topic, topic)),
    ],
    replies: [suback(1, 0, 0, 0, 0)],
    pushes: ['sport', 'sport/tennis', 'sport/tennis/player', 'a/b', '/finance', 'Sport//x', 'a/'].map(
      (topic) => ({
        cmd: 'publish',
        topic,
        payload: topic,
      }),
    ),
  },
];

export const exchangeCases: Readonly<Record<string, readonly ExchangeCase[]>> = {
  connection: connectionPackets,
  acknowledgements,
  subscribing,
  publishing,
  wildcards,
};
