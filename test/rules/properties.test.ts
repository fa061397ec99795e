import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type JsonNode, readJson } from '../../lib/rules/json-text.ts';
import { compilePattern, matchesPattern } from '../../lib/rules/pattern/index.ts';
import { compileWildcard, fitsWildcard } from '../../lib/rules/pattern/wildcard.ts';

function valueOfNode(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object':
      // As JSON.parse: the last of equal names, and __proto__ is a name like others.
      return Object.fromEntries(node.members.map(({ name, value }) => [name.text, valueOfNode(value)]));
    case 'list':
      return node.items.map(valueOfNode);
    case 'text':
      return node.text;
    case 'number':
      return node.number;
    case 'constant':
      return node.value;
    default:
      throw new Error(node.kind);
  }
}

function outcome(read: () => unknown): unknown {
  try {
    return { value: read() };
  } catch {
    return 'refused';
  }
}

test('JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 5 }),
      fc.nat(),
      fc.constantFrom(...'{}[]",:\\u0-+.eE \nnulltrue'),
      (json, at, unit) => {
        const place = at % (json.length + 1);
        const changed = json.slice(0, place) + unit + json.slice(place + (at % 2));
        for (const text of [json, changed])
          expect(outcome(() => valueOfNode(readJson(text)))).toEqual(outcome(() => JSON.parse(text)));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('wildcards fit what an expression without bounds fits', () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 });
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 4 }),
      fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }),
      (parts, value) => {
        const texts = parts.filter((text, index) => index === 0 || index === parts.length - 1 || text !== '');
        const wildcard = compileWildcard(texts.join('*').replaceAll('**', '*'), { at: 0, path: '' });
        const expression = new RegExp(`^${texts.join('.*').replaceAll('.*.*', '.*')}$`);
        expect(fitsWildcard(wildcard, value)).toBe(expression.test(value));
      },
    ),
    { numRuns: 5_000 },
  );
});

type Tree = { readonly [name: string]: unknown };

/** What EventBridge means by `$or`: one pattern for each combination, any of which may fit. */
function writtenOut(pattern: Tree): Tree[] {
  let patterns: Tree[] = [{}];
  for (const [name, value] of Object.entries(pattern)) {
    const choices =
      name === '$or'
        ? (value as Tree[]).flatMap(writtenOut)
        : (Array.isArray(value) ? [value] : writtenOut(value as Tree)).map((one) => ({ [name]: one }));
    patterns = patterns.flatMap((one) => choices.map((choice) => merged(one, choice)));
  }
  return patterns;
}

function merged(one: Tree, other: Tree): Tree {
  const result: Record<string, unknown> = { ...one };
  for (const [name, value] of Object.entries(other))
    result[name] =
      name in result && !Array.isArray(value) ? merged(result[name] as Tree, value as Tree) : value;
  return result;
}

test('alternatives fit what their combinations fit, in lists of objects too', () => {
  const leaf = fc.constantFrom([1], [2], [{ exists: false }]);
  const inner = (names: string[]) =>
    fc.dictionary(fc.constantFrom(...names), leaf, { minKeys: 1, maxKeys: 2 });
  // Leaves of the three places have different names; the objects x and y are shared.
  const outer = (names: string[]) =>
    fc.dictionary(fc.constantFrom('x', 'y'), inner(names), { minKeys: 1, maxKeys: 2 });
  const or = (names: string[]) => fc.array(outer(names), { minLength: 2, maxLength: 3 });
  const object = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), fc.constantFrom(1, 2), {
    maxKeys: 6,
  });
  const event = fc.dictionary(
    fc.constantFrom('x', 'y'),
    fc.oneof(object, fc.array(object, { maxLength: 3 })),
    { maxKeys: 2 },
  );
  const fits = (pattern: Tree, value: object) => {
    const compiled = compilePattern(JSON.stringify(pattern), 'any');
    if ('fault' in compiled) throw new Error(compiled.fault.problem);
    return matchesPattern(compiled.pattern, value);
  };
  fc.assert(
    fc.property(
      outer(['a', 'b']),
      or(['c', 'd']),
      or(['e', 'f']),
      fc.array(event, { minLength: 1, maxLength: 5 }),
      (base, first, second, events) => {
        const pattern = { ...base, $or: first };
        const nested = {
          z: { ...base, $or: first.map((one, i) => (i === 0 ? { ...one, $or: second } : one)) },
        };
        fc.pre(JSON.stringify(nested).length <= 512);
        for (const value of events) {
          expect(fits(pattern, value)).toBe(writtenOut(pattern).some((one) => fits(one, value)));
          const below = { z: [value, ...events] };
          expect(fits(nested, below)).toBe(writtenOut(nested).some((one) => fits(one, below)));
        }
      },
    ),
    { numRuns: 300 },
  );
});
