import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareUtf8, matches, nextSeek, scanRange, topicLimits } from '../../lib/topics/index.ts';
import { topicFilter, topicName } from './arbitraries.ts';

const bytewise = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

interface Scan {
  readonly found: string[];
  readonly examined: number;
  readonly seeks: number;
}

/**
 * Imitates a store: reads a range, and seeks from each topic that does not match to the next
 * possible one.
 */
function scan(filter: string, stored: readonly string[]): Scan {
  const sorted = [...new Set(stored)].sort(bytewise);
  const { first, last } = scanRange(filter);
  const found: string[] = [];
  let examined = 0;
  let seeks = 1;
  let at = sorted.findIndex((topic) => bytewise(topic, first) >= 0);
  while (at !== -1 && at < sorted.length) {
    const topic = sorted[at] ?? '';
    if (last !== undefined && bytewise(topic, last) > 0) break;
    examined++;
    if (matches(filter, topic)) {
      found.push(topic);
      at++;
      continue;
    }
    const seek = nextSeek(filter, topic);
    if (seek === undefined) break;
    expect(bytewise(seek, topic)).toBeGreaterThan(0);
    seeks++;
    at = sorted.findIndex((candidate) => bytewise(candidate, seek) >= 0);
  }
  return { found, examined, seeks };
}

describe('skip-scan', () => {
  test.each([
    ['a/b', { prefix: 'a/b', first: 'a/b', last: 'a/b' }],
    ['a/+/c', { prefix: 'a/', first: 'a/', last: 'a0' }],
    ['a/b/#', { prefix: 'a/b', first: 'a/b', last: 'a/b0' }],
    ['+/a', { prefix: '', first: '\u0001' }],
    ['#', { prefix: '', first: '\u0001' }],
    ['/#', { prefix: '', first: '\u0001', last: '0' }],
    ['/+', { prefix: '/', first: '/', last: '0' }],
  ])('the range of %s', (filter, range) => expect(scanRange(filter)).toEqual(range));

  test.each([
    ['a/+/c', 'a/b/a', 'a/b/c'],
    ['a/+/c', 'a/b/d', 'a/b0'],
    ['a/+/c', 'a/b/c/d', 'a/b0'],
    ['a/+/c', 'a/b', 'a/b\u0001'],
    ['a/+/c', 'a0', undefined],
    ['a/#', 'a!', 'a/'],
    ['a/#', 'ab', undefined],
    ['a/b/#', 'a/b.x/y', 'a/b/'],
    ['#', '$SYS/x', '%'],
    ['+/x', '$SYS/x', '%'],
    ['+/x', 'a/y', 'a0'],
    ['+', 'a/b', 'a0'],
    ['+', 'a./b', 'a.0'],
    ['+', '\u{10ffff}/b', '\u{10ffff}0'],
    ['+/x', '\ud7ff', '\ud7ff\u0001'],
    ['a/+/c/d', 'a/b/a', 'a/b/c/d'],
    ['a/+/c/+/e', 'a/b/a', 'a/b/c/'],
  ])('for %s, after %j comes %j', (filter, topic, expected) => {
    expect(nextSeek(filter, topic)).toBe(expected);
  });

  test('a seek key is never longer than a topic can be', () => {
    const { maxBytes } = topicLimits;
    const longest = `a/${'b'.repeat(maxBytes - 2)}`;
    expect(nextSeek('a/+/c', longest)).toBe(`a/${'b'.repeat(maxBytes - 3)}c`);
    expect(nextSeek('+/x', '\u{10ffff}'.repeat(maxBytes / 4))).toBeUndefined();
    expect(nextSeek(`+/${'x'.repeat(maxBytes - 4)}`, 'abcd/a')).toBe('abcd0');
  });

  test('the order is that of UTF-8 bytes', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '/', '!', 'ä', '\uffff', '\ue000', '\ud7ff', '\u{10000}', '\u{10ffff}'),
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(bytewise(a, b)));
      }),
      { numRuns: 2_000 },
    );
  });

  test('the scan visits exactly the matching topics, in order', () => {
    fc.assert(
      fc.property(topicFilter, fc.array(topicName, { maxLength: 60 }), (filter, stored) => {
        const expected = [...new Set(stored)].filter((topic) => matches(filter, topic)).sort(bytewise);
        const { found, examined, seeks } = scan(filter, stored);
        expect(found).toEqual(expected);
        expect(seeks).toBeLessThanOrEqual(1 + examined - found.length);
      }),
      { numRuns: 2_000 },
    );
  });

  test('no seek passes a topic that matches', () => {
    fc.assert(
      fc.property(topicFilter, topicName, topicName, (filter, topic, other) => {
        fc.pre(!matches(filter, topic) && matches(filter, other) && bytewise(other, topic) > 0);
        const seek = nextSeek(filter, topic);
        expect(seek).toBeDefined();
        expect(bytewise(seek ?? '', other)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 1_000 },
    );
  });

  test('branches are skipped whole: seeks grow with the branches, not with the topics', () => {
    const branches = 20;
    const stored = Array.from({ length: branches }, (_, i) => i).flatMap((i) => [
      ...Array.from({ length: 500 }, (_, j) => `site/${i}/log/${j}`),
      `site/${i}/state`,
      ...Array.from({ length: 500 }, (_, j) => `site/${i}/trace/${j}`),
    ]);
    const { found, seeks, examined } = scan('site/+/state', stored);
    expect(found).toHaveLength(branches);
    expect(seeks).toBeLessThanOrEqual(1 + 2 * branches);
    expect(examined).toBeLessThanOrEqual(3 * branches);
  });
});
