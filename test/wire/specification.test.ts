import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeClientFrame, decodeServerFrame, splitPackets } from '../../lib/wire/index.ts';

const page = readFileSync(new URL('../../docs/wire.md', import.meta.url), 'utf8');
const example = /## Example\n[\s\S]*?```\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
const messages = [...example.matchAll(/^([→←]) (\S+)/gmu)].map(([, direction = '', text = '']) => ({
  direction,
  text,
}));

describe('the example in the specification', () => {
  it('has messages in both directions', () => {
    expect(messages.filter(({ direction }) => direction === '→').length).toBeGreaterThan(4);
    expect(messages.filter(({ direction }) => direction === '←').length).toBeGreaterThan(4);
  });

  it.each(messages)('$direction $text is a message of whole packets', ({ direction, text }) => {
    const frame = direction === '→' ? decodeClientFrame(text) : decodeServerFrame(text);
    expect(frame.kind).not.toBe('invalid');
    const { rest, error } = splitPackets('bytes' in frame ? frame.bytes : new Uint8Array());
    expect([rest.length, error]).toEqual([0, undefined]);
  });
});
