import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodePackets,
  encodedLength,
  encodePacket,
  type Packet,
  type ProtocolVersion,
  payloadFormatError,
} from '../../lib/mqtt/index.ts';
import { clientPacket, connectPacket } from './arbitraries.ts';
import { asVector, readVectors } from './vectors.ts';

const versions: ProtocolVersion[] = [3, 4, 5];

describe.each(versions)('version %i', (version) => {
  test('what a client writes is what the server reads, packet by packet', () => {
    const session = fc.tuple(connectPacket(version), fc.array(clientPacket(version), { maxLength: 6 }));
    fc.assert(
      fc.property(session, ([connect, rest]) => {
        const packets: Packet[] = [connect, ...rest];
        const encoded = packets.map((packet) => encodePacket(packet, version));
        const decoded = decodePackets(Buffer.concat(encoded), undefined);
        expect(decoded.error).toBeUndefined();
        expect(decoded.packets.map(asVector)).toEqual(packets.map(asVector));
        expect(decoded.sizes).toEqual(encoded.map((bytes) => bytes.length));
        expect(decoded.protocolVersion).toBe(version);
        expect(packets.map((packet) => encodedLength(packet, version))).toEqual(decoded.sizes);
      }),
      { numRuns: 400 },
    );
  });

  test('every cut of good bytes gives the packets before it and a partial packet', () => {
    fc.assert(
      fc.property(
        fc.array(clientPacket(version), { minLength: 1, maxLength: 3 }),
        fc.nat(),
        (packets, seed) => {
          const encoded = packets.map((packet) => encodePacket(packet, version));
          const whole = Buffer.concat(encoded);
          const cut = seed % whole.length;
          const { sizes, error } = decodePackets(whole.subarray(0, cut), version);
          const consumed = sizes.reduce((sum, size) => sum + size, 0);
          expect(sizes).toEqual(encoded.slice(0, sizes.length).map((bytes) => bytes.length));
          expect(error?.code).toBe(consumed === cut ? undefined : 'partial-packet');
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('noise', () => {
  const vectors = readVectors().flatMap(({ cases }) => cases);
  const firstBytes = [
    0x10, 0x30, 0x32, 0x34, 0x3a, 0x40, 0x50, 0x62, 0x70, 0x82, 0xa2, 0xc0, 0xe0, 0xf0, 0x20,
  ];
  const plausible = fc
    .tuple(fc.constantFrom(...firstBytes), fc.uint8Array({ maxLength: 60 }), fc.boolean())
    .map(([first, noise, framed]) =>
      Buffer.from(framed ? [first, noise.length, ...noise] : [first, ...noise]),
    );
  const connectLike = fc
    .tuple(fc.constantFrom(3, 4, 5), fc.uint8Array({ maxLength: 40 }))
    .map(([level, noise]) =>
      Buffer.from([0x10, 7 + noise.length, 0, 4, 0x4d, 0x51, 0x54, 0x54, level, ...noise]),
    );
  const mutated = fc
    .tuple(
      fc.constantFrom(...vectors),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    )
    .map(([{ hex }, changes]) => {
      const bytes = Buffer.from(hex, 'hex');
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return bytes;
    });
  const version = fc.constantFrom<ProtocolVersion | undefined>(undefined, 3, 4, 5);

  test('never throws, accounts for every byte, and every refusal is a foreseen one', () => {
    fc.assert(
      fc.property(fc.oneof(plausible, connectLike, mutated), version, (bytes, known) => {
        const { packets, sizes, error } = decodePackets(bytes, known);
        const consumed = sizes.reduce((sum, size) => sum + size, 0);
        expect(packets).toHaveLength(sizes.length);
        expect(consumed <= bytes.length).toBe(true);
        expect(error === undefined).toBe(consumed === bytes.length);
        expect(error?.code).not.toBe('malformed-packet');
      }),
      { numRuns: 10_000 },
    );
  });

  test('what is accepted survives being written and read again', () => {
    fc.assert(
      fc.property(fc.oneof(plausible, mutated), fc.constantFrom<ProtocolVersion>(3, 4, 5), (bytes, known) => {
        const { packets } = decodePackets(bytes, known);
        for (const packet of packets) {
          const again = decodePackets(encodePacket(packet, known), known);
          expect(again.packets.map(asVector)).toEqual([asVector(packet)]);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

test('an error holds nothing of the bytes', () => {
  // A CONNECT whose password length is one byte too large.
  const connect = Buffer.from('101500044d51545405c2003c000000000175000400000000', 'hex').subarray(0, 20);
  const { error } = decodePackets(Buffer.concat([connect, Buffer.from('tok')]), undefined);
  expect(error?.code).toBe('length-mismatch');
  expect(JSON.stringify(error)).not.toContain('tok');
});

test('the limit counts the whole packet', () => {
  const packet = encodePacket(
    { cmd: 'publish', topic: 't', payload: Buffer.alloc(100), qos: 0, dup: false, retain: false },
    4,
  );
  expect(decodePackets(packet, 4, { maxPacketBytes: packet.length }).error).toBeUndefined();
  expect(decodePackets(packet, 4, { maxPacketBytes: packet.length - 1 }).error?.code).toBe(
    'packet-too-large',
  );
});

test('bytes inside a larger buffer are read where they are', () => {
  const larger = new Uint8Array([9, 9, 0xc0, 0x00, 9]);
  expect(decodePackets(larger.subarray(2, 4), 4)).toMatchObject({
    packets: [{ cmd: 'pingreq' }],
    sizes: [2],
  });
});

test('a PUBLISH at QoS 1 that breaks its payload format is the handler’s to acknowledge', () => {
  const properties = { payloadFormatIndicator: true };
  expect(payloadFormatError({ payload: Buffer.from([0xff]), properties })).toBe('payload-format-invalid');
  expect(payloadFormatError({ payload: Buffer.from('ä'), properties })).toBeUndefined();
  expect(payloadFormatError({ payload: Buffer.from([0xff]) })).toBeUndefined();
});
