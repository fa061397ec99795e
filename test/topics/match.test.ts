import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { candidateFilters, covers, matches, shapeOf } from '../../lib/topics/index.ts';
import { matchesByDefinition, topicFilter, topicName } from './arbitraries.ts';

describe('matching', () => {
  test.each([
    ['a', 'a'],
    ['a/#', 'a'],
    ['a/#', 'a/'],
    ['a/#', 'a/b/c'],
    ['#', 'a'],
    ['#', '/'],
    ['+', 'a'],
    ['+/+', '/'],
    ['/+', '/finance'],
    ['+/+', '/finance'],
    ['+/#', 'a'],
    ['sport/+', 'sport/'],
    ['sport/+/player', 'sport//player'],
    ['$SYS/#', '$SYS'],
    ['$SYS/#', '$SYS/x/y'],
    ['$SYS/+/x', '$SYS/a/x'],
    ['/#', '/$SYS'],
    ['+/b/#', 'a/b'],
  ])('%s matches %s', (filter, topic) => expect(matches(filter, topic)).toBe(true));

  test.each([
    ['a', 'b'],
    ['a', 'ab'],
    ['ab', 'a'],
    ['a', 'a/'],
    ['a/', 'a'],
    ['a/#', 'ab'],
    ['a/#', 'a!'],
    ['a/+', 'a'],
    ['sport/+', 'sport'],
    ['+', '/finance'],
    ['+', 'a/b'],
    ['+/+/b', 'a/b'],
    ['#', '$SYS'],
    ['+', '$SYS'],
    ['+/monitor', '$SYS/monitor'],
    ['#', '$'],
    ['A', 'a'],
    ['a/b/#', 'a'],
    ['/', 'a'],
  ])('%s does not match %s', (filter, topic) => expect(matches(filter, topic)).toBe(false));

  test('the walk agrees with the definition', () => {
    fc.assert(
      fc.property(topicFilter, topicName, (filter, topic) => {
        expect(matches(filter, topic)).toBe(matchesByDefinition(filter, topic));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('tuple-space search', () => {
  test.each([
    ['devices/+/cmd', '=/+/='],
    ['a', '='],
    ['#', '#'],
    ['+/#', '+/#'],
    ['/', '=/='],
    ['a//+/#', '=/=/+/#'],
    ['=/a+b', '=/='],
    ['$SYS/+/x', '$/+/='],
    ['$a', '$'],
    ['a/$b', '=/='],
  ])('the shape of %s is %s', (filter, shape) => expect(shapeOf(filter)).toBe(shape));

  test('one candidate per fitting shape, in order, without duplicates', () => {
    const shapes = ['=/=', '=', '+/=', '=/+', '#', '=/#', '=/=/#', '=/=/=/#', '=/=', '+/+/+'];
    expect(candidateFilters(shapes, 'a/b')).toEqual(['a/b', '+/b', 'a/+', '#', 'a/#', 'a/b/#']);
    expect(candidateFilters(new Set(shapes), '$a/b')).toEqual([]);
    expect(candidateFilters(['$/=', '$/+', '$', '=/+', '$/#'], '$a/b')).toEqual(['$a/b', '$a/+', '$a/#']);
    expect(candidateFilters(['$/=', '=/+'], 'a/b')).toEqual(['a/+']);
    // Filters of earlier releases, whose shapes did not tell `$` topics apart.
    expect(candidateFilters(new Set(shapes), '$a/b', false)).toEqual(['$a/b', '$a/+', '$a/#', '$a/b/#']);
    expect(candidateFilters(['=/+', '$/+', '#'], '$a/b', false)).toEqual(['$a/+']);
    expect(candidateFilters([], 'a')).toEqual([]);
  });

  test('a filter matches a topic exactly when its shape makes it a candidate', () => {
    fc.assert(
      fc.property(topicFilter, topicName, (filter, topic) => {
        expect(candidateFilters([shapeOf(filter)], topic).includes(filter)).toBe(matches(filter, topic));
      }),
      { numRuns: 3_000 },
    );
  });

  test('the shapes of many filters find exactly the filters that match', () => {
    fc.assert(
      fc.property(fc.uniqueArray(topicFilter, { maxLength: 30 }), topicName, (filters, topic) => {
        const candidates = candidateFilters(filters.map(shapeOf), topic);
        expect(new Set(candidates).size).toBe(candidates.length);
        for (const candidate of candidates) expect(matches(candidate, topic)).toBe(true);
        expect(filters.filter((filter) => candidates.includes(filter))).toEqual(
          filters.filter((filter) => matches(filter, topic)),
        );
      }),
    );
  });

  test('a shape that nobody asked for is parsed anew after many others', () => {
    for (let i = 0; i < 5_000; i++)
      candidateFilters([`=/${i.toString(2).replaceAll('0', '+/').replaceAll('1', '=/')}=`], 'a');
    expect(candidateFilters(['=/+'], 'a/b')).toEqual(['a/+']);
  });
});

describe('grants', () => {
  test.each([
    ['#', '#'],
    ['#', 'a/+/b'],
    ['+/#', '#'],
    ['+/#', 'a'],
    ['a/#', 'a'],
    ['a/#', 'a/#'],
    ['a/#', 'a/+/#'],
    ['a/+', 'a/+'],
    ['a/+', 'a/b'],
    ['$SYS/#', '$SYS/+'],
    ['a/b', 'a/b'],
  ])('%s covers %s', (grant, filter) => expect(covers(grant, filter)).toBe(true));

  test.each([
    ['a', 'b'],
    ['a', '+'],
    ['a/+', 'a/#'],
    ['a/+', 'a'],
    ['a/+/#', 'a/#'],
    ['+/+/#', '#'],
    ['+', '#'],
    ['#', '$SYS/#'],
    ['+/#', '$SYS/a'],
    ['$SYS/#', '#'],
    ['a/b', 'a/+'],
    ['a/#', '+/b'],
    ['a/#', 'ab'],
  ])('%s does not cover %s', (grant, filter) => expect(covers(grant, filter)).toBe(false));

  test('covers is inclusion of the matched topics', () => {
    // `z` and `$z` stand for all level texts that no filter names; one level more than the longest
    // filter is enough.
    const level = fc.constantFrom('', 'a', 'b', '+');
    const filterOf = fc
      .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean(), fc.boolean())
      .map(([levels, hash, reserved]) => {
        const first = reserved && levels[0] !== '+' ? `$${levels[0]}` : (levels[0] ?? '');
        return [first, ...levels.slice(1), ...(hash ? ['#'] : [])].join('/').replace(/^\/#$/, '#');
      })
      .filter((filter) => filter.length > 0);
    const topics: string[] = [];
    const grow = (levels: readonly string[]): void => {
      if (levels.length > 0 && levels.join('/') !== '') topics.push(levels.join('/'));
      if (levels.length < 5) {
        for (const next of levels.length === 0
          ? ['', 'a', 'b', 'z', '$', '$a', '$b', '$z']
          : ['', 'a', 'b', 'z']) {
          grow([...levels, next]);
        }
      }
    };
    grow([]);
    fc.assert(
      fc.property(filterOf, filterOf, (grant, filter) => {
        const included = topics.every((topic) => !matches(filter, topic) || matches(grant, topic));
        expect(covers(grant, filter)).toBe(included);
      }),
      { numRuns: 500 },
    );
  });
});
