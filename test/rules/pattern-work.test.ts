import { afterEach, expect, test, vi } from 'vitest';
import { ruleLimits } from '../../lib/rules/limits.ts';
import { compilePattern, matchesPattern, selects } from '../../lib/rules/pattern/index.ts';
import { eventWith } from './records.ts';

afterEach(() => vi.restoreAllMocks());

function patternOf(text: string) {
  const compiled = compilePattern(text);
  if ('fault' in compiled) throw new Error(compiled.fault.problem);
  return compiled.pattern;
}

test('wildcards walk a text of 64 KB once each, whatever stands between them', () => {
  const almost = `*${'a'.repeat(20)}b*${'a'.repeat(20)}c*`;
  const wildcards = Array(ruleLimits.maxPatternWildcards - 1).fill(`{"wildcard":"${almost.slice(0, 26)}*"}`);
  const pattern = patternOf(`{"payload":[${wildcards.join()}]}`);
  const value = 'a'.repeat(ruleLimits.maxJsonPayloadBytes - 2);
  const event = eventWith({ payload: JSON.stringify(value) });
  expect(event.payload).toBe(value);

  let units = 0;
  const { charCodeAt } = String.prototype;
  // Not a mock, which would keep every call.
  String.prototype.charCodeAt = function counted(index) {
    units++;
    return charCodeAt.call(this, index);
  };
  const taken = matchesPattern(pattern, event);
  String.prototype.charCodeAt = charCodeAt;
  expect(taken).toBe(false);
  // One look at the value, and at most three at the segment, for each unit and wildcard.
  expect(units).toBeGreaterThan(value.length);
  expect(units).toBeLessThan(4 * value.length * wildcards.length);
});

test('a leaf that must be absent is looked for once, not for every element of a list', () => {
  const pattern = patternOf('{"payload":{"a":{"b":[{"exists":false}],"c":[1]}}}');
  let reads = 0;
  const elements = Array.from({ length: 5_000 }, () => ({
    get b() {
      reads++;
      return {};
    },
    c: 2,
  }));
  expect(matchesPattern(pattern, { payload: { a: elements } })).toBe(false);
  expect(reads).toBeLessThanOrEqual(2 * elements.length);
});

test('each alternative looks at each element once', () => {
  const alternatives = Array.from({ length: 30 }, (_, i) => `{"c${i}":[1]}`);
  const pattern = patternOf(`{"payload":{"a":{"$or":[${alternatives.join()}]}}}`);
  let lookups = 0;
  const counted = new Proxy({}, { get: () => void lookups++ });
  const elements = Array(1_000).fill(counted);
  expect(matchesPattern(pattern, { payload: { a: elements } })).toBe(false);
  expect(lookups).toBe(alternatives.length * elements.length);
});

test('hostile patterns of all rules together take a bounded number of steps', () => {
  const tests = Array.from({ length: 25 }, (_, i) => `{"prefix":"${i}x"}`).join();
  const pattern = patternOf(`{"payload":{"a":[${tests}]}}`);
  let lookups = 0;
  const counted = new Proxy({}, { get: () => void lookups++ });
  const lists: readonly object[] = [
    { payload: Array(32_000).fill(counted) },
    { payload: { a: Array(16_000).fill('ab') } },
    { payload: { a: 'a'.repeat(65_000) } },
  ];
  const budget = { steps: ruleLimits.maxMatchSteps };
  const results = lists.flatMap((event) =>
    Array.from({ length: 8 }, () => matchesPattern(pattern, event, budget)),
  );
  expect(results).toContain('undecided');
  expect(results).not.toContain(true);
  expect(lookups).toBeLessThanOrEqual(ruleLimits.maxMatchSteps);
  expect(matchesPattern(pattern, { payload: { a: '1x' } })).toBe(true);
});

test('a usual pattern takes few steps', () => {
  const budget = { steps: ruleLimits.maxMatchSteps };
  const event = eventWith({ payload: '{"total":120,"items":[1,2,3]}' });
  expect(selects('{"payload":{"total":[{"numeric":[">",100]}]}}', event, budget)).toBe(true);
  expect(ruleLimits.maxMatchSteps - budget.steps).toBeLessThan(10);
});

test('a pattern that does not name the payload, or fails before it, never parses it', () => {
  const parse = vi.spyOn(JSON, 'parse');
  const event = eventWith({ topic: 'orders/7/placed', payload: '{"total":120}' });
  expect(selects('{"topic":[{"prefix":"orders/"}]}', event)).toBe(true);
  parse.mockClear();
  expect(selects('{"payload":{"total":[120]},"levels":["none"]}', event)).toBe(false);
  const texts = () => parse.mock.calls.map(([text]) => text);
  expect(texts()).not.toContain('{"total":120}');
  expect(selects('{"payload":{"total":[120]}}', event)).toBe(true);
  expect(selects('{"payload":{"total":[{"numeric":[">",100]}]}}', event)).toBe(true);
  expect(texts().filter((text) => text === '{"total":120}')).toHaveLength(1);
});

test('a pattern is compiled once', () => {
  const where = '{"topic":[{"suffix":"/once"}]}';
  const event = eventWith({ topic: 'a/once' });
  expect(selects(where, event)).toBe(true);
  const parse = vi.spyOn(JSON, 'parse');
  for (let i = 0; i < 10; i++) expect(selects(where, event)).toBe(true);
  expect(parse).not.toHaveBeenCalled();
});

test('patterns beyond those that a process keeps are compiled again', () => {
  const event = eventWith({ topic: 'a/7' });
  for (let i = 0; i < ruleLimits.maxCompiledTexts + 10; i++)
    expect(selects(`{"topic":["a/${i}"]}`, event)).toBe(i === 7);
  expect(selects('{"topic":["a/7"]}', event)).toBe(true);
});

test('without a pattern every message is taken; one of a later release is told apart', () => {
  expect(selects(undefined, eventWith({}))).toBe(true);
  expect(selects('{"topic":[{"later":"x"}]}', eventWith({}))).toBeUndefined();
});
