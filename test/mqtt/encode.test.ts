import fc from 'fast-check';
import { generate, type Packet as LibraryPacket, parser as libraryParser } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import {
  encodedLength,
  encodePacket,
  encodePacketWithin,
  type Packet,
  type ProtocolVersion,
  type PublishPacket,
} from '../../lib/mqtt/index.ts';
import { clientPacket } from './arbitraries.ts';

const message: PublishPacket = {
  cmd: 'publish',
  topic: 't',
  payload: Buffer.from('x'),
  qos: 0,
  dup: false,
  retain: false,
};

/** Bytes worked out from the specification, not from an encoder. */
const cases: [name: string, version: ProtocolVersion, packet: Packet, hex: string][] = [
  ['CONNACK accepted', 4, { cmd: 'connack', sessionPresent: false, returnCode: 0 }, '20 02 00 00'],
  ['CONNACK with session', 4, { cmd: 'connack', sessionPresent: true, returnCode: 0 }, '20 02 01 00'],
  ['CONNACK refused', 3, { cmd: 'connack', sessionPresent: false, returnCode: 5 }, '20 02 00 05'],
  [
    'CONNACK without properties [MQTT-2.2.2-1 v5]',
    5,
    { cmd: 'connack', sessionPresent: false, reasonCode: 0x87 },
    '20 03 00 87 00',
  ],
  [
    'CONNACK with properties and Session Present [MQTT-3.2.2-1 v5]',
    5,
    {
      cmd: 'connack',
      sessionPresent: true,
      reasonCode: 0,
      properties: {
        receiveMaximum: 20,
        serverKeepAlive: 540,
        retainAvailable: true,
        assignedClientIdentifier: undefined,
      },
    },
    '20 0b 01 00 08 21 00 14 13 02 1c 25 01',
  ],
  ['PUBLISH', 4, message, '30 04 00 01 74 78'],
  [
    'PUBLISH at QoS 2, again, retained',
    4,
    { ...message, qos: 2, dup: true, retain: true, messageId: 258 },
    '3d 06 00 01 74 01 02 78',
  ],
  ['PUBLISH without properties [MQTT-2.2.2-1 v5]', 5, message, '30 05 00 01 74 00 78'],
  [
    'PUBLISH leaves properties out of 3.1.1',
    4,
    { ...message, properties: { contentType: 'a' } },
    '30 04 00 01 74 78',
  ],
  [
    'PUBLISH with subscription identifiers',
    5,
    { ...message, properties: { subscriptionIdentifier: [1, 128] } },
    '30 0a 00 01 74 05 0b 01 0b 80 01 78',
  ],
  [
    'PUBLISH with user properties in order',
    5,
    {
      ...message,
      properties: {
        userProperties: [
          ['b', '1'],
          ['1', '2'],
          ['b', '3'],
        ],
      },
    },
    '30 1a 00 01 74 15 26 00 01 62 00 01 31 26 00 01 31 00 01 32 26 00 01 62 00 01 33 78',
  ],
  [
    'PUBLISH with plain bytes',
    5,
    { ...message, payload: new Uint8Array([1, 2]), properties: { correlationData: new Uint8Array([3]) } },
    '30 0a 00 01 74 04 09 00 01 03 01 02',
  ],
  ['PUBACK', 4, { cmd: 'puback', messageId: 1 }, '40 02 00 01'],
  ['PUBACK success', 5, { cmd: 'puback', messageId: 1, reasonCode: 0 }, '40 02 00 01'],
  ['PUBACK without a reason', 5, { cmd: 'puback', messageId: 1 }, '40 02 00 01'],
  ['PUBACK failure', 5, { cmd: 'puback', messageId: 1, reasonCode: 0x97 }, '40 04 00 01 97 00'],
  ['PUBREC', 4, { cmd: 'pubrec', messageId: 2 }, '50 02 00 02'],
  ['PUBREL', 4, { cmd: 'pubrel', messageId: 2 }, '62 02 00 02'],
  [
    'PUBREL of an unknown identifier',
    5,
    { cmd: 'pubrel', messageId: 2, reasonCode: 0x92 },
    '62 04 00 02 92 00',
  ],
  [
    'PUBCOMP with a reason string',
    5,
    { cmd: 'pubcomp', messageId: 2, properties: { reasonString: 'r' } },
    '70 08 00 02 00 04 1f 00 01 72',
  ],
  ['SUBACK', 4, { cmd: 'suback', messageId: 3, granted: [0, 1, 2, 0x80] }, '90 06 00 03 00 01 02 80'],
  ['SUBACK', 5, { cmd: 'suback', messageId: 3, granted: [0x8f] }, '90 04 00 03 00 8f'],
  ['UNSUBACK', 4, { cmd: 'unsuback', messageId: 3, granted: [0] }, 'b0 02 00 03'],
  ['UNSUBACK', 5, { cmd: 'unsuback', messageId: 3, granted: [0, 0x11] }, 'b0 05 00 03 00 00 11'],
  ['PINGRESP', 4, { cmd: 'pingresp' }, 'd0 00'],
  ['PINGRESP', 5, { cmd: 'pingresp' }, 'd0 00'],
  ['DISCONNECT', 5, { cmd: 'disconnect', reasonCode: 0x8e }, 'e0 02 8e 00'],
  ['DISCONNECT without a reason', 5, { cmd: 'disconnect' }, 'e0 02 00 00'],
  [
    'AUTH',
    5,
    { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'm' } },
    'f0 06 18 04 15 00 01 6d',
  ],
];

/**
 * A packet as an independent parser reads it, without its length: 5.0 allows the empty end of a
 * packet to be left out.
 */
function libraryRead(bytes: Buffer | undefined): unknown {
  const seen: object[] = [];
  const reader = libraryParser({ protocolVersion: 5 });
  reader.on('packet', (read) => {
    const { length: _, properties, ...rest } = read as LibraryPacket & { properties?: object };
    seen.push(Object.keys(properties ?? {}).length > 0 ? { ...rest, properties } : rest);
  });
  reader.parse(bytes ?? Buffer.alloc(0));
  return seen;
}

describe('packets of the server', () => {
  test.each(cases)('%s, version %i', (_name, version, packet, hex) => {
    const bytes = encodePacket(packet, version);
    expect(bytes.toString('hex')).toBe(hex.replaceAll(' ', ''));
    expect(encodedLength(packet, version)).toBe(bytes.length);
  });

  test('the packet is not altered by being written', () => {
    const packet = Object.freeze({
      ...message,
      properties: Object.freeze({ userProperties: Object.freeze([]) }),
    });
    expect(() => encodePacket(packet, 5)).not.toThrow();
  });

  test('an independent parser reads a large message as it was written', () => {
    const packet = {
      ...message,
      payload: Buffer.alloc(130_000, 7),
      properties: { userProperties: [['__proto__', 'x'] as const] },
    };
    const seen: LibraryPacket[] = [];
    const reader = libraryParser({ protocolVersion: 5 });
    reader.on('packet', (read) => seen.push(read));
    reader.parse(encodePacket(packet, 5));
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ cmd: 'publish', topic: 't', payload: packet.payload });
  });

  test('a packet that cannot be written throws', () => {
    expect(() => encodePacket({ ...message, qos: 1 }, 4)).toThrow();
    expect(() => encodePacket({ ...message, topic: 'a'.repeat(70_000) }, 4)).toThrow();
    expect(() => encodePacket({ cmd: 'suback', messageId: 1, granted: [] }, 4)).toThrow();
  });

  test('packets without user properties are what mqtt-packet makes of them', () => {
    const packet = {
      ...message,
      qos: 1 as const,
      messageId: 9,
      payload: Buffer.from('x'),
      properties: { messageExpiryInterval: 5, contentType: 'c' },
    };
    expect(encodePacket(packet, 5)).toEqual(generate(packet, { protocolVersion: 5 }));
  });
});

test.each([3, 4, 5] as const)(
  'messages and acknowledgements of version %i are those of mqtt-packet',
  (version) => {
    fc.assert(
      fc.property(
        clientPacket(version),
        fc.constantFrom(0, 127, 128, 16_383, 16_384, 70_000),
        (packet, extra) => {
          if (
            !['publish', 'puback', 'pubrec', 'pubrel', 'pubcomp'].includes(packet.cmd) ||
            'properties' in packet
          )
            return;
          const whole =
            packet.cmd === 'publish'
              ? { ...packet, payload: Buffer.concat([packet.payload, Buffer.alloc(extra)]) }
              : packet;
          expect(encodePacket(whole, version)).toEqual(
            generate({ reasonCode: 0, ...whole } as unknown as LibraryPacket, { protocolVersion: version }),
          );
        },
      ),
      { numRuns: 300 },
    );
  },
);

describe('within the receiver’s Maximum Packet Size', () => {
  const refusal: Packet = {
    cmd: 'puback',
    messageId: 1,
    reasonCode: 0x97,
    properties: { reasonString: 'too many messages', userProperties: [['limit', '10']] },
  };

  test('it is sent whole where it fits', () => {
    const whole = encodePacket(refusal, 5);
    expect(encodePacketWithin(refusal, 5, whole.length)).toEqual(whole);
  });

  test('explanations are left out where they do not fit', () => {
    const bytes = encodePacketWithin(refusal, 5, encodePacket(refusal, 5).length - 1);
    expect(bytes?.toString('hex')).toBe('400400019700');
  });

  test.each<[tags: string, packet: Packet]>([
    ['MQTT-3.2.2-19 v5, MQTT-3.2.2-20 v5', { cmd: 'connack', sessionPresent: false, reasonCode: 0x87 }],
    ['MQTT-3.4.2-2 v5, MQTT-3.4.2-3 v5', { cmd: 'puback', messageId: 1, reasonCode: 0x97 }],
    ['MQTT-3.5.2-2 v5, MQTT-3.5.2-3 v5', { cmd: 'pubrec', messageId: 1, reasonCode: 0x97 }],
    ['MQTT-3.6.2-2 v5, MQTT-3.6.2-3 v5', { cmd: 'pubrel', messageId: 1, reasonCode: 0x92 }],
    ['MQTT-3.7.2-2 v5, MQTT-3.7.2-3 v5', { cmd: 'pubcomp', messageId: 1, reasonCode: 0x92 }],
    ['MQTT-3.9.2-1 v5, MQTT-3.9.2-2 v5', { cmd: 'suback', messageId: 1, granted: [0x87] }],
    ['MQTT-3.11.2-1 v5, MQTT-3.11.2-2 v5', { cmd: 'unsuback', messageId: 1, granted: [0x11] }],
    ['MQTT-3.14.2-3 v5, MQTT-3.14.2-4 v5', { cmd: 'disconnect', reasonCode: 0x8e }],
    ['MQTT-3.15.2-2 v5, MQTT-3.15.2-3 v5', { cmd: 'auth', reasonCode: 0 }],
  ])('neither reason string nor user properties make a packet too large [%s]', (_tags, packet) => {
    const bare = encodePacketWithin(packet, 5, 1_000);
    if (bare === undefined) throw new Error('The packet does not fit');
    for (const properties of [
      { reasonString: 'because' },
      { userProperties: [['name', 'value']] as const },
      { reasonString: 'because', userProperties: [['name', 'value']] as const },
    ]) {
      const explained = { ...packet, properties } as Packet;
      const whole = encodePacket(explained, 5);
      expect(encodePacketWithin(explained, 5, whole.length)).toEqual(whole);
      const cut = encodePacketWithin(explained, 5, whole.length - 1);
      expect(cut?.length).toBeLessThan(whole.length);
      expect(libraryRead(cut)).toEqual(libraryRead(bare));
    }
  });

  test('a message is sent whole or not at all', () => {
    const packet: Packet = { ...message, properties: { userProperties: [['a', 'b']] } };
    const { length } = encodePacket(packet, 5);
    expect(encodePacketWithin(packet, 5, length)).toHaveLength(length);
    expect(encodePacketWithin(packet, 5, length - 1)).toBeUndefined();
  });

  test('a packet without anything to leave out is not sent', () => {
    expect(encodePacketWithin({ cmd: 'pingresp' }, 5, 1)).toBeUndefined();
    expect(encodePacketWithin({ cmd: 'suback', messageId: 1, granted: [0] }, 5, 5)).toBeUndefined();
  });
});
