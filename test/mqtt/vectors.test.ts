import { describe, expect, test } from 'vitest';
import { decodePackets, mqttErrorCodes } from '../../lib/mqtt/index.ts';
import { asVector, readVectors, titleOf } from './vectors.ts';

const files = readVectors();

for (const { file, about, cases } of files) {
  describe(`${file}: ${about}`, () => {
    const titled = cases.map((vector) => ({ ...vector, title: titleOf(vector) }));
    test.each(titled)('$version: $title', ({ version, hex, expect: expected }) => {
      const bytes = Buffer.from(hex, 'hex');
      const decoded = decodePackets(bytes, version ?? undefined);
      expect(decoded.error).toEqual(expected.error && expect.objectContaining(expected.error));
      expect(decoded.packets.map(asVector)).toEqual(expected.packets);
      const answerVersion = expected.protocolVersion === undefined ? version : expected.protocolVersion;
      expect(decoded.protocolVersion ?? null).toBe(answerVersion);
      expect(decoded.sizes).toHaveLength(decoded.packets.length);
      if (decoded.error === undefined) {
        expect(decoded.sizes.reduce((sum, size) => sum + size, 0)).toBe(bytes.length);
      }
    });
  });
}

test('there are cases for every error but the one for bugs in the parser', () => {
  const seen = new Set(files.flatMap(({ cases }) => cases.map((vector) => vector.expect.error?.code)));
  expect(mqttErrorCodes.filter((code) => !seen.has(code))).toEqual(['malformed-packet']);
});
