import { createRequire } from 'node:module';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type ExpressionParser,
  type ParserContext,
  rememberParsed,
} from '../../../lib/local/dynamodb/parsed-expressions.ts';

const require = createRequire(import.meta.url);
const { compare } = require('dynalite/db') as Pick<ParserContext, 'compare'>;

/** A parser as dynalite has it, the same with a memory, and how often the latter has parsed. */
function parsers(kind: 'condition' | 'projection' | 'update') {
  const { parse } = require(`dynalite/db/${kind}Parser`) as ExpressionParser;
  let parsed = 0;
  const remembering: ExpressionParser = {
    parse(...call) {
      parsed += 1;
      return parse(...call);
    },
  };
  rememberParsed(remembering);
  return { plain: { parse }, remembering, parsed: () => parsed };
}

type Names = NonNullable<ParserContext['attrNames']>;
type Values = NonNullable<ParserContext['attrVals']>;

function contextOf(attrNames: Names, attrVals: Values): ParserContext {
  const all = (named: object) => Object.fromEntries(Object.keys(named).map((name) => [name, true as const]));
  return {
    attrNames,
    attrVals,
    unusedAttrNames: all(attrNames),
    unusedAttrVals: all(attrVals),
    compare,
    isReserved: () => false,
  } as ParserContext;
}

function outcome(parser: ExpressionParser, expression: string, names: Names, values: Values): unknown {
  const context = contextOf(names, values);
  const result = parser.parse(expression, { context });
  return { result, names: context.unusedAttrNames, values: context.unusedAttrVals };
}

describe.each([
  [
    'condition',
    'attribute_exists(#a) AND (#b = :one OR begins_with(c, :two))',
    [
      { ':one': { N: '1' }, ':two': { S: 'x' } },
      { ':one': { N: '7' }, ':two': { S: 'y' } },
    ],
  ],
  [
    'condition',
    '#a = :one AND #b BETWEEN :two AND :three',
    [
      { ':one': { S: 'k' }, ':two': { S: 'a' }, ':three': { S: 'b' } },
      { ':one': { S: 'l' }, ':two': { S: 'c' }, ':three': { S: 'd' } },
    ],
  ],
  [
    'update',
    'SET #a = if_not_exists(#a, :one) + :two, c.d = :three REMOVE e ADD #b :two',
    [
      { ':one': { N: '1' }, ':two': { N: '2' }, ':three': { M: { x: { S: 'y' } } } },
      { ':one': { N: '3' }, ':two': { N: '4' }, ':three': { M: {} } },
    ],
  ],
  ['projection', '#a, #b.c[1]', [{}, {}]],
] as const)('a remembered %s: %s', (kind, expression, [first, second]) => {
  const names = { '#a': 'alpha', '#b': 'beta', '#unused': 'gamma' };
  let parser: ReturnType<typeof parsers>;
  beforeEach(() => {
    parser = parsers(kind);
  });

  it('is parsed once, and gives what dynalite parses with other values', () => {
    for (const values of [first, second, first])
      expect(outcome(parser.remembering, expression, names, values)).toEqual(
        outcome(parser.plain, expression, names, values),
      );
    expect(parser.parsed()).toBe(1);
  });

  it('is parsed anew with other names', () => {
    outcome(parser.remembering, expression, names, first);
    const others = { ...names, '#a': 'other' };
    expect(outcome(parser.remembering, expression, others, first)).toEqual(
      outcome(parser.plain, expression, others, first),
    );
  });

  it('does not keep what its reader changes', () => {
    const { result } = outcome(parser.remembering, expression, names, first) as { result: object };
    for (const key of Object.keys(result)) Reflect.deleteProperty(result, key);
    expect(outcome(parser.remembering, expression, names, first)).toEqual(
      outcome(parser.plain, expression, names, first),
    );
  });
});

it.each([
  ['bounds in the wrong order', '#a BETWEEN :one AND :two', { ':one': { N: '9' }, ':two': { N: '2' } }],
  [
    'a value of another type',
    'begins_with(#a, :one) AND #a = :two',
    { ':one': { N: '1' }, ':two': { N: '1' } },
  ],
  ['an unknown value', '#a = :one AND #a = :two', { ':one': { N: '1' } }],
])('a remembered expression with %s is refused as ever', (_, expression, wrong) => {
  const { plain, remembering } = parsers('condition');
  const right = expression.includes('begins')
    ? { ':one': { S: 'a' }, ':two': { N: '2' } }
    : { ':one': { N: '1' }, ':two': { N: '2' } };
  outcome(remembering, expression, { '#a': 'a' }, right);
  const refused = outcome(remembering, expression, { '#a': 'a' }, wrong as Values);
  expect(refused).toHaveProperty('result', expect.any(String));
  expect(refused).toEqual(outcome(plain, expression, { '#a': 'a' }, wrong as Values));
});

it('checks the name of a type on each call', () => {
  const { plain, remembering } = parsers('condition');
  for (const type of ['S', 'wrong'])
    expect(outcome(remembering, 'attribute_type(a, :type)', {}, { ':type': { S: type } })).toEqual(
      outcome(plain, 'attribute_type(a, :type)', {}, { ':type': { S: type } }),
    );
});

it('lets expressions of one request share their names and values', () => {
  const { remembering } = parsers('condition');
  for (const _ of [1, 2]) {
    const context = contextOf({ '#a': 'a' }, { ':one': { N: '1' } });
    remembering.parse('#a = :one', { context });
    remembering.parse('#a <> :one', { context });
    expect(context.unusedAttrNames).toEqual({});
    expect(context.unusedAttrVals).toEqual({});
  }
});
