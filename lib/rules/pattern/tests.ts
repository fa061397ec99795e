import { type JsonNode, type JsonNodeOf, memberPath, TextError } from '../json-text.ts';
import { compileIpRange } from './ip-range.ts';
import { compileNumeric } from './numeric.ts';
import { compileWildcard, fitsWildcard } from './wildcard.ts';

/** A value of an event that is neither an object nor a list. */
export type Scalar = string | number | boolean | null;

export type ScalarTest = (value: Scalar) => boolean;

/** A comparison of a pattern's leaf that is not the plain value. */
export type Operator = ScalarTest | 'absent';

/** The operators that apply to texts, and inside `anything-but`. */
const textTests: Readonly<Record<string, (node: JsonNode) => (value: string) => boolean>> = {
  prefix: (node) => {
    const { text, folded } = ending(node);
    return folded
      ? (value) => value.slice(0, text.length).toLowerCase() === text
      : (value) => value.startsWith(text);
  },
  suffix: (node) => {
    const { text, folded } = ending(node);
    if (!folded) return (value) => value.endsWith(text);
    return (value) => text === '' || value.slice(-text.length).toLowerCase() === text;
  },
  'equals-ignore-case': (node) => {
    const text = textOf(node).toLowerCase();
    return (value) => value.toLowerCase() === text;
  },
  wildcard: (node) => {
    const wildcard = compileWildcard(textOf(node), node);
    return (value) => fitsWildcard(wildcard, value);
  },
};

const operators: Readonly<Record<string, (node: JsonNode) => Operator>> = {
  ...Object.fromEntries(
    Object.entries(textTests).map(([name, compile]) => [name, (node: JsonNode) => forTexts(compile(node))]),
  ),
  cidr: (node) => {
    const holds = compileIpRange(textOf(node));
    if (holds === undefined)
      throw new TextError(node, 'expected a range of addresses, as in "10.0.0.0/24" or "2001:db8::/32"');
    return forTexts(holds);
  },
  numeric: (node) => {
    const holds = compileNumeric(node);
    return (value) => typeof value === 'number' && holds(value);
  },
  exists: (node) => {
    if (node.kind !== 'constant' || node.value === null) throw new TextError(node, 'expected true or false');
    return node.value ? () => true : 'absent';
  },
  'anything-but': (node) => {
    const test = exclusion(node);
    return (value) => !test(value);
  },
};

/** Names of the operators; members of alternatives must have other names. */
export const operatorNames: ReadonlySet<string> = new Set(Object.keys(operators));

/**
 * `{"prefix": "a"}`: one operator and its operand.
 *
 * @throws TextError
 */
export function compileOperator(node: JsonNodeOf<'object'>): Operator {
  const { name, value } = only(node);
  const compile = operators[name];
  if (compile !== undefined && operatorNames.has(name)) return compile(value);
  throw new TextError(value, `unknown operator; known are ${[...operatorNames].join(', ')}`);
}

/** The values that `anything-but` shuts out. */
function exclusion(node: JsonNode): ScalarTest {
  if (node.kind === 'object') {
    const { name, value } = only(node);
    const compile = Object.hasOwn(textTests, name) ? textTests[name] : undefined;
    if (compile === undefined)
      throw new TextError(value, `anything-but takes ${Object.keys(textTests).join(', ')}`);
    const tests = listOf(value).map((item) => {
      if (textOf(item) === '' && (name === 'prefix' || name === 'suffix'))
        throw new TextError(item, 'an empty text would shut out every text');
      return compile(item);
    });
    return forTexts((text) => tests.some((test) => test(text)));
  }
  const items = listOf(node);
  const values = items.map((item) => {
    if ((item.kind !== 'text' && item.kind !== 'number') || item.kind !== items[0]?.kind)
      throw new TextError(item, 'anything-but takes texts only, or numbers only');
    return plainValue(item);
  });
  const shutOut = new Set<Scalar>(values);
  return (value) => shutOut.has(value);
}

/** @throws TextError for a number that JavaScript cannot tell from its neighbours. */
export function plainValue(node: JsonNodeOf<'text' | 'number' | 'constant'>): Scalar {
  if (node.kind === 'text') return node.text;
  if (node.kind === 'constant') return node.value;
  if (Number.isFinite(node.number) && (!Number.isInteger(node.number) || Number.isSafeInteger(node.number)))
    return node.number;
  throw new TextError(node, 'expected a number within 2^53; compare larger ones as texts');
}

function forTexts(test: (value: string) => boolean): ScalarTest {
  return (value) => typeof value === 'string' && test(value);
}

function only(node: JsonNodeOf<'object'>): { readonly name: string; readonly value: JsonNode } {
  const [member, second] = node.members;
  if (member === undefined) throw new TextError(node, 'expected an operator');
  if (second !== undefined) throw new TextError(second.value, 'expected one operator only');
  return { name: member.name.text, value: member.value };
}

function listOf(node: JsonNode): readonly JsonNode[] {
  if (node.kind !== 'list') return [node];
  if (node.items.length === 0) throw new TextError(node, 'an empty list');
  return node.items;
}

function textOf(node: JsonNode): string {
  if (node.kind === 'text') return node.text;
  throw new TextError(node, 'expected a text');
}

/** The operand of prefix and suffix: a text, or `{"equals-ignore-case": text}`. */
function ending(node: JsonNode): { readonly text: string; readonly folded: boolean } {
  if (node.kind !== 'object') return { text: textOf(node), folded: false };
  const { name, value } = only(node);
  if (name !== 'equals-ignore-case')
    throw new TextError({ ...value, path: memberPath(node.path, name) }, 'only equals-ignore-case goes here');
  return { text: textOf(value).toLowerCase(), folded: true };
}
