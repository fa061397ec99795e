import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Outbox } from '../../lib/client/outbox.ts';
import { batchPackets, concatBytes, decodeClientFrame } from '../../lib/wire/index.ts';
import { hexOf } from '../wire/vectors.ts';

/** A PUBLISH of QoS 0 whose remaining length is `size`, at most 16,383. */
function packetOf(size: number): Uint8Array {
  const length = size < 128 ? [size] : [(size % 128) + 128, Math.floor(size / 128)];
  return concatBytes([new Uint8Array([0x30, ...length]), new Uint8Array(size).fill(0x61)]);
}

const packetsOf = fc.array(
  fc.integer({ min: 0, max: 400 }).map((size) => packetOf(size)),
  { maxLength: 12 },
);

it('come out of a stream cut anywhere as they went in', () => {
  fc.assert(
    fc.property(packetsOf, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (packets, cuts) => {
      const stream = concatBytes(packets);
      const outbox = new Outbox();
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = cuts[i % cuts.length] ?? 1;
        expect(outbox.write(stream.subarray(at, at + size))).toBeUndefined();
        at += size;
      }
      const out: Uint8Array[] = [];
      for (let text = outbox.next(false); text !== undefined; text = outbox.next(false)) {
        const frame = decodeClientFrame(text);
        if ('bytes' in frame) out.push(frame.bytes);
        outbox.confirm();
      }
      expect(out.map(hexOf)).toEqual(batchPackets(packets).map((batch) => hexOf(concatBytes(batch))));
      expect(outbox.bufferedAmount).toBe(0);
    }),
  );
});
