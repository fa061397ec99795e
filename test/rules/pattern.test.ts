import { describe, expect, test } from 'vitest';
import { compilePattern, matchesPattern } from '../../lib/rules/pattern/index.ts';
import { publishedPatterns } from './published-patterns.ts';

function matchesAny(pattern: object | string, event: object): boolean | 'undecided' {
  const text = typeof pattern === 'string' ? pattern : JSON.stringify(pattern);
  const compiled = compilePattern(text, 'any');
  if ('fault' in compiled) throw new Error(JSON.stringify(compiled.fault));
  return matchesPattern(compiled.pattern, event);
}

describe('patterns that AWS publishes', () => {
  test.each(Object.entries(publishedPatterns))('%s', (_, { pattern, matches, differs }) => {
    for (const event of matches) expect([event, matchesAny(pattern, event)]).toEqual([event, true]);
    for (const event of differs) expect([event, matchesAny(pattern, event)]).toEqual([event, false]);
  });
});

describe('values', () => {
  test.each([
    ['anything-but takes values of other types', { a: [{ 'anything-but': 'x' }] }, { a: 5 }, true],
    ['anything-but takes null', { a: [{ 'anything-but': ['x'] }] }, { a: null }, true],
    [
      'anything-but takes a list with another element',
      { a: [{ 'anything-but': 'x' }] },
      { a: ['x', 'y'] },
      true,
    ],
    ['anything-but takes no object', { a: [{ 'anything-but': 'x' }] }, { a: {} }, false],
    ['the empty prefix takes every text', { a: [{ prefix: '' }] }, { a: 'x' }, true],
    ['and no number', { a: [{ prefix: '' }] }, { a: 1 }, false],
    ['numbers beyond 5e9 are not compared', { a: [{ numeric: ['>', 0] }] }, { a: 5_000_000_001 }, false],
    ['numbers are compared to six digits', { a: [{ numeric: ['=', 0.3] }] }, { a: 0.1 + 0.2 }, true],
    ['an exact number may be larger', { a: [1_735_689_600_000] }, { a: 1_735_689_600_000 }, true],
    ['true is no text', { a: [true] }, { a: 'true' }, false],
    ['false', { a: [false] }, { a: false }, true],
    ['a name that objects inherit', { a: { toString: [{ exists: false }] } }, { a: { b: 1 } }, true],
    ['the name __proto__', '{"a":{"__proto__":["x"]}}', JSON.parse('{"a":{"__proto__":"x"}}'), true],
    ['a value or nothing', { a: ['x', { exists: false }] }, {}, true],
    ['nested lists', { a: [1] }, { a: [[0], [[1]]] }, true],
  ])('%s', (_, pattern, event: object, expected) => {
    expect(matchesAny(pattern, event)).toBe(expected);
  });
});

describe('lists of objects', () => {
  const list = [{ b: 1, c: 1 }, { b: 2 }];

  test('a member is absent if no element has it', () => {
    const pattern = { a: { b: [2], c: [{ exists: false }] } };
    expect(matchesAny(pattern, { a: list })).toBe(false);
    expect(matchesAny(pattern, { a: [{ b: 2 }, { b: 3 }] })).toBe(true);
  });

  test('members beside and in $or fit the same element', () => {
    const pattern = { a: { b: [2] }, $or: [{ a: { c: [1] } }, { d: [1] }] };
    expect(matchesAny(pattern, { a: list })).toBe(false);
    expect(matchesAny(pattern, { a: list, d: 1 })).toBe(true);
    expect(matchesAny(pattern, { a: [...list, { b: 2, c: 1 }] })).toBe(true);
  });

  test('so do members of two $or', () => {
    const pattern = {
      x: { $or: [{ a: { b: [2] } }, { d: [1] }] },
      $or: [{ x: { a: { c: [1] } } }, { y: [1] }],
    };
    expect(matchesAny(pattern, { x: { a: list } })).toBe(false);
    expect(matchesAny(pattern, { x: { a: list, d: 1 } })).toBe(true);
    expect(matchesAny(pattern, { x: { a: [{ b: 2, c: 1 }] } })).toBe(true);
  });
});

describe('a pattern that is not valid', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `{"x${i}":[1]}`).join();
  test.each([
    ['', '', 1, 1, 'the document ends here'],
    ['[]', '', 1, 1, 'expected an object'],
    ['{}', '', 1, 1, 'an empty object'],
    ['{"topic": ["a"],}', '', 1, 17, 'expected the name of a member, in quotes'],
    ['{\n  "topic": ["a"\n}', 'topic', 3, 1, 'expected "," or "]"'],
    ['{"topic": "a"}', 'topic', 1, 11, 'expected a list of values, or an object'],
    ['{"topic": []}', 'topic', 1, 11, 'an empty list'],
    ['{"topic": [["a"]]}', 'topic[0]', 1, 12, 'expected a text, a number, true, false, null or an operator'],
    ['{"topic": {"a": ["a"]}}', 'topic', 1, 11, 'expected a list, because the value is no object'],
    ['{"topik": ["a"]}', 'topik', 1, 11, /^events have no such member; they have id, tenant, topic/],
    ['{"properties": {"x": ["a"]}}', 'properties.x', 1, 22, /^events have no such member; .* user$/],
    ['{"topic": ["a"], "topic": ["b"]}', 'topic', 1, 27, 'the member is named twice'],
    [
      '{"payload": {"total": [{"numeric": [">", "9"]}]}}',
      'payload.total[0].numeric[1]',
      1,
      42,
      'expected a number after the operator',
    ],
    [
      '{"payload": {"total": [{"numeric": [">"]}]}}',
      'payload.total[0].numeric',
      1,
      36,
      'expected a number after the operator',
    ],
    [
      '{"payload": {"total": [{"numeric": ["!", 1]}]}}',
      'payload.total[0].numeric[0]',
      1,
      37,
      /^expected "=", "<"/,
    ],
    [
      '{"payload": {"a": [{"numeric": ["<", 1, ">", 0]}]}}',
      'payload.a[0].numeric[2]',
      1,
      41,
      'only ">" and ">=" begin a range',
    ],
    [
      '{"payload": {"a": [{"numeric": [">", 5, "<", 5]}]}}',
      'payload.a[0].numeric[3]',
      1,
      46,
      'the range holds no number',
    ],
    [
      '{"payload": {"a": [{"numeric": [">", 0, "<", 5, 6]}]}}',
      'payload.a[0].numeric[4]',
      1,
      49,
      /^a range has two/,
    ],
    [
      '{"payload": {"a": [{"numeric": [">", 6e9]}]}}',
      'payload.a[0].numeric[1]',
      1,
      38,
      /^expected a number from -5.0e9 to 5.0e9/,
    ],
    [
      '{"payload": {"a": [{"numeric": [">", 0.1234567]}]}}',
      'payload.a[0].numeric[1]',
      1,
      38,
      /^expected at most 6 digits/,
    ],
    ['{"payload": {"a": [9007199254740993]}}', 'payload.a[0]', 1, 20, /^expected a number within 2\^53/],
    ['{"topic": [{"regex": "a"}]}', 'topic[0].regex', 1, 22, /^unknown operator; known are prefix, suffix/],
    ['{"topic": [{"prefix": "a", "suffix": "b"}]}', 'topic[0].suffix', 1, 38, 'expected one operator only'],
    ['{"topic": [{}]}', 'topic[0]', 1, 12, 'expected an operator'],
    ['{"topic": [{"prefix": 1}]}', 'topic[0].prefix', 1, 23, 'expected a text'],
    [
      '{"topic": [{"prefix": {"wildcard": "a"}}]}',
      'topic[0].prefix.wildcard',
      1,
      36,
      'only equals-ignore-case goes here',
    ],
    ['{"topic": [{"exists": "yes"}]}', 'topic[0].exists', 1, 23, 'expected true or false'],
    ['{"topic": [{"wildcard": "a**"}]}', 'topic[0].wildcard', 1, 25, 'two "*" in a row'],
    [
      '{"topic": [{"wildcard": "a\\\\b"}]}',
      'topic[0].wildcard',
      1,
      25,
      'expected "*" or "\\" after a backslash',
    ],
    ['{"topic": [{"cidr": "10.0.0.0/33"}]}', 'topic[0].cidr', 1, 21, /^expected a range of addresses/],
    [
      '{"topic": [{"anything-but": ["a", 1]}]}',
      'topic[0].anything-but[1]',
      1,
      35,
      'anything-but takes texts only, or numbers only',
    ],
    [
      '{"topic": [{"anything-but": [null]}]}',
      'topic[0].anything-but[0]',
      1,
      30,
      'anything-but takes texts only, or numbers only',
    ],
    [
      '{"topic": [{"anything-but": {"cidr": "1.0.0.0/8"}}]}',
      'topic[0].anything-but.cidr',
      1,
      38,
      /^anything-but takes prefix/,
    ],
    [
      '{"topic": [{"anything-but": {"prefix": ""}}]}',
      'topic[0].anything-but.prefix',
      1,
      40,
      /^an empty text/,
    ],
    ['{"$or": [{"topic": ["a"]}]}', '$or', 1, 9, 'expected a list of two objects or more'],
    ['{"$or": [{"topic": ["a"]}, "b"]}', '$or[1]', 1, 28, 'expected an object'],
    [
      '{"$or": [{"qos": [1]}, {"prefix": ["a"]}]}',
      '$or[1].prefix',
      1,
      35,
      'an alternative names members, not operators',
    ],
    [
      '{"qos": [1], "$or": [{"qos": [2]}, {"topic": ["a"]}]}',
      'qos',
      1,
      1,
      'the member is named twice: beside $or and in it',
    ],
    [
      `{"payload":{"a":{"$or":[${many(11)}]},"b":{"$or":[${many(10)}]},"c":{"$or":[${many(10)}]}}}`,
      'payload.c',
      1,
      undefined,
      /more than 1000 combinations/,
    ],
    [
      `{"payload":{"y":{"x0":[1]},"$or":[${many(16).replaceAll(/\{"x(\d+)":\[1\]\}/g, '{"y":{"z$1":[1]}}')}],"b":{"$or":[${many(3)}]}}}`,
      'payload',
      1,
      12,
      /shares members .* more than 32/,
    ],
    [
      `{"topic": [${Array(11).fill('{"wildcard":"*a*"}').join()}]}`,
      'topic[10].wildcard',
      1,
      undefined,
      /more than 10 wildcards/,
    ],
    [`{"topic": ["${'x'.repeat(512)}"]}`, '', 1, 1, 'a pattern has at most 512 bytes'],
    [
      `{"payload":${'{"a":'.repeat(32)}[1]${'}'.repeat(33)}`,
      `payload${'.a'.repeat(31)}.a`.slice(0, -2),
      1,
      undefined,
      /more than 32 levels/,
    ],
  ])('%s', (text, path, line, column, problem) => {
    const compiled = compilePattern(text);
    expect(compiled).toMatchObject({
      fault: {
        path,
        line,
        column: column ?? expect.any(Number),
        problem: typeof problem === 'string' ? problem : expect.stringMatching(problem),
      },
    });
  });
});
