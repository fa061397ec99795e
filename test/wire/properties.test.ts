import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  batchPackets,
  concatBytes,
  decodeBase64,
  decodeClientFrame,
  decodeServerFrame,
  encodeBase64,
  encodeMessages,
  encodeResponse,
  joinChunks,
  packetLength,
  splitPackets,
  validateChunk,
} from '../../lib/wire/index.ts';
import { hexOf } from './vectors.ts';

const anyBytes = fc.uint8Array({ maxLength: 300 });

/** A packet of `bodyBytes` bytes after its fixed header. */
function packetOf(bodyBytes: number, firstByte = 0x30): Uint8Array {
  const length: number[] = [];
  let rest = bodyBytes;
  do {
    length.push((rest % 128) + (rest > 127 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return concatBytes([new Uint8Array([firstByte, ...length]), new Uint8Array(bodyBytes).fill(0x61)]);
}

const packetsOf = fc.array(
  fc.integer({ min: 0, max: 400 }).map((size) => packetOf(size)),
  { maxLength: 12 },
);

describe('base64', () => {
  it('is what Node makes of the same bytes', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const text = encodeBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64'));
        expect(decodeBase64(text)).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it('accepts nothing but the canonical encoding', () => {
    fc.assert(
      fc.property(anyBytes, fc.nat(), fc.constantFrom(...'A/=z-_ \n.~é'), (bytes, at, char) => {
        const text = encodeBase64(bytes);
        const index = at % (text.length + 1);
        const changed = text.slice(0, index) + char + text.slice(index + 1);
        const decoded = decodeBase64(changed);
        if (decoded) expect(encodeBase64(decoded)).toBe(changed);
      }),
    );
  });
});

describe('packets', () => {
  it('never throw, whatever the bytes', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const { packets, rest } = splitPackets(bytes);
        expect(hexOf(concatBytes([...packets, rest]))).toBe(hexOf(bytes));
        for (const packet of packets) expect(packetLength(packet)).toBe(packet.length);
      }),
    );
  });

  it('keep their order in batches, none of which is too large', () => {
    fc.assert(
      fc.property(packetsOf, fc.integer({ min: 1, max: 600 }), (packets, maxBytes) => {
        const batches = batchPackets(packets, maxBytes);
        expect(batches.flat()).toEqual(packets);
        for (const batch of batches) {
          expect(batch.length === 1 || concatBytes(batch).length <= maxBytes).toBe(true);
        }
      }),
    );
  });
});

describe('frames', () => {
  it('never throw, whatever the text', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((s) => `~a:0:2:${s}`),
      fc.string().map((s) => `.${s}`),
    );
    fc.assert(
      fc.property(text, (frame) => {
        expect(decodeClientFrame(frame).kind).toBeTypeOf('string');
        expect(decodeServerFrame(frame).kind).toBeTypeOf('string');
      }),
    );
  });

  it('say nothing of the content in an error', () => {
    const error = decodeClientFrame('secret-token!');
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(error).toEqual({ kind: 'invalid', code: 'bad-base64', message: 'bad-base64' });
  });
});

describe('messages of many packets', () => {
  const ids = () => {
    let next = 0;
    return () => String(next++);
  };

  it('are batches, and chunks in their place', () => {
    const packets = [packetOf(20_000), packetOf(3_000), packetOf(30_000), packetOf(1)];
    const kinds = encodeMessages(packets, ids()).map((text) => decodeServerFrame(text).kind);
    expect(kinds).toEqual(['packets', 'chunk', 'chunk', 'packets']);
  });

  it('with a reply: it takes what fits from the front, pushes take the rest', () => {
    const packets = [packetOf(10, 0x90), packetOf(23_000, 0x90), packetOf(5_000, 0x90), packetOf(10, 0x90)];
    const { reply, pushes } = encodeResponse(packets, ids());
    const first = decodeServerFrame(reply);
    const second = decodeServerFrame(pushes[0] ?? '');
    expect(first.kind === 'reply' && first.bytes && splitPackets(first.bytes).packets).toEqual(
      packets.slice(0, 2),
    );
    expect(second.kind === 'packets' && splitPackets(second.bytes).packets).toEqual(packets.slice(2));
    expect(pushes).toHaveLength(1);
  });

  it('with a reply whose first packet is too large: an empty reply, all is pushed', () => {
    const { reply, pushes } = encodeResponse([packetOf(30_000, 0x90), packetOf(1)], ids());
    expect(reply).toBe('.');
    expect(pushes.map((text) => decodeServerFrame(text).kind)).toEqual(['chunk', 'chunk', 'packets']);
  });

  it('without any packet: the reply is not empty', () => {
    expect(encodeResponse([], ids())).toEqual({ reply: '.', pushes: [] });
  });
});

describe('chunks kept elsewhere', () => {
  it('join by index once all are there', () => {
    const packet = packetOf(30_000);
    const parts = [packet.subarray(0, 24_000), undefined];
    expect(joinChunks(parts)).toEqual({ kind: 'pending' });
    parts[1] = packet.subarray(24_000);
    const joined = joinChunks(parts);
    expect(joined.kind === 'packet' && hexOf(joined.bytes)).toBe(hexOf(packet));
  });

  it('are refused one by one where a single one shows that the packet is too large', () => {
    expect(validateChunk({ index: 5, count: 6, bytes: new Uint8Array(11_072) })).toBeUndefined();
    expect(validateChunk({ index: 5, count: 6, bytes: new Uint8Array(11_073) })?.code).toBe(
      'packet-too-large',
    );
  });
});

describe('base64 of a runtime', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it.each(['fromBase64', 'the loops'])('without Buffer, by %s, is the same', async (means) => {
    const buffer = Buffer;
    const originalFrom = Object.getOwnPropertyDescriptor(Uint8Array, 'fromBase64');
    const originalTo = Object.getOwnPropertyDescriptor(Uint8Array.prototype, 'toBase64');
    vi.stubGlobal('Buffer', undefined);
    Object.assign(Uint8Array, {
      fromBase64:
        means === 'the loops' ? undefined : (text: string) => new Uint8Array(buffer.from(text, 'base64')),
    });
    Object.assign(Uint8Array.prototype, {
      toBase64(this: Uint8Array) {
        return buffer.from(this).toString('base64');
      },
    });
    try {
      vi.resetModules();
      const other = await import('../../lib/wire/base64.ts');
      fc.assert(
        fc.property(anyBytes, fc.nat(), fc.constantFrom(...'A/=z-_ \n.~é'), (bytes, at, char) => {
          const text = other.encodeBase64(bytes);
          expect(text).toBe(encodeBase64(bytes));
          const index = at % (text.length + 1);
          const changed = text.slice(0, index) + char + text.slice(index + 1);
          expect(other.decodeBase64(text)).toEqual(new Uint8Array(bytes));
          expect(other.decodeBase64(changed)).toEqual(decodeBase64(changed));
        }),
      );
    } finally {
      if (originalFrom === undefined) Reflect.deleteProperty(Uint8Array, 'fromBase64');
      else Object.defineProperty(Uint8Array, 'fromBase64', originalFrom);
      if (originalTo === undefined) Reflect.deleteProperty(Uint8Array.prototype, 'toBase64');
      else Object.defineProperty(Uint8Array.prototype, 'toBase64', originalTo);
    }
  });
});
