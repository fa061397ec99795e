import { Buffer } from 'node:buffer';
import {
  type JsonNode,
  type JsonNodeOf,
  memberPath,
  orFault,
  type Place,
  readJson,
  TextError,
  type TextFault,
} from '../json-text.ts';
import { ruleLimits } from '../limits.ts';
import { type EventShape, eventShape } from './event-shape.ts';
import { compileOperator, operatorNames, plainValue, type Scalar, type ScalarTest } from './tests.ts';

/** An event pattern that is ready to be compared with events. */
export interface CompiledPattern {
  readonly root: ObjectPattern;
  /** Leaves with `{"exists": false}`. */
  readonly absences: number;
}

/** All members fit, and of each list of alternatives one fits. */
export interface ObjectPattern {
  readonly kind: 'object';
  readonly members: readonly { readonly name: string; readonly pattern: ValuePattern }[];
  readonly alternatives: readonly (readonly ObjectPattern[])[];
}

export type ValuePattern = ObjectPattern | LeafPattern;

/** The value, or an element of a list, is one of `values` or passes a test. */
export interface LeafPattern {
  readonly kind: 'leaf';
  readonly values: ReadonlySet<Scalar>;
  readonly tests: readonly ScalarTest[];
  /** Fits if the whole event has no value at `path`; `index` numbers these leaves. */
  readonly absent?: { readonly index: number; readonly path: readonly string[] };
}

/**
 * Compiles an EventBridge event pattern. https://docs.aws.amazon.com/eventbridge/latest/userguide/
 * eb-create-pattern-operators.html and https://github.com/aws/event-ruler describe the semantics;
 * docs/rules.md names the few differences.
 *
 * @param shape the members that an event may have; a pattern that names others never fits, and is
 *   refused.
 */
export function compilePattern(
  text: string,
  shape: EventShape = eventShape,
): { readonly pattern: CompiledPattern } | { readonly fault: TextFault } {
  return orFault(text, () => {
    const start = { at: 0, path: '' };
    if (Buffer.byteLength(text) > ruleLimits.maxPatternBytes)
      throw new TextError(start, `a pattern has at most ${ruleLimits.maxPatternBytes} bytes`);
    const node = readJson(text);
    if (node.kind !== 'object') throw new TextError(node, 'expected an object');
    const compiler = new PatternCompiler(combinationsOf(node));
    return { pattern: { root: compiler.object(node, shape, []), absences: compiler.absences } };
  });
}

/** How many patterns without `$or` have the same meaning together. */
function combinationsOf(node: JsonNodeOf<'object'>): number {
  let product = 1;
  for (const { name, value } of node.members) {
    if (value.kind === 'object') product *= combinationsOf(value);
    else if (name.text === '$or' && value.kind === 'list')
      product *= value.items.reduce(
        (sum, item) => sum + (item.kind === 'object' ? combinationsOf(item) : 1),
        0,
      );
    if (product > ruleLimits.maxPatternCombinations)
      throw new TextError(
        value,
        `the alternatives give more than ${ruleLimits.maxPatternCombinations} combinations`,
      );
  }
  return product;
}

type Members = Map<string, ValuePattern>;

class PatternCompiler {
  absences = 0;
  #wildcards = 0;
  readonly #combinations: number;

  constructor(combinations: number) {
    this.#combinations = combinations;
  }

  /** @param path names of the members that lead to the object. */
  object(node: JsonNodeOf<'object'>, shape: EventShape, path: readonly string[]): ObjectPattern {
    if (node.members.length === 0) throw new TextError(node, 'an empty object');
    const members: Members = new Map();
    const alternatives: ObjectPattern[][] = [];
    for (const { name, value } of node.members) {
      if (name.text === '$or') alternatives.push(this.#alternatives(value, shape, path));
      else if (members.has(name.text)) throw new TextError(value, 'the member is named twice');
      else members.set(name.text, this.#value(name.text, value, shape, path));
    }
    return this.#together(members, alternatives, node);
  }

  #alternatives(node: JsonNode, shape: EventShape, path: readonly string[]): ObjectPattern[] {
    if (node.kind !== 'list' || node.items.length < 2)
      throw new TextError(node, 'expected a list of two objects or more');
    return node.items.map((item) => {
      if (item.kind !== 'object') throw new TextError(item, 'expected an object');
      const operator = item.members.find(({ name }) => operatorNames.has(name.text));
      if (operator !== undefined)
        throw new TextError(operator.value, 'an alternative names members, not operators');
      return this.object(item, shape, path);
    });
  }

  #value(name: string, node: JsonNode, shape: EventShape, path: readonly string[]): ValuePattern {
    const below =
      shape === 'any' ? 'any' : shape === 'value' || !Object.hasOwn(shape, name) ? undefined : shape[name];
    if (below === undefined)
      throw new TextError(
        node,
        `events have no such member${shape === 'any' || shape === 'value' ? '' : `; they have ${Object.keys(shape).join(', ')}`}`,
      );
    if (node.kind === 'object') {
      if (below === 'value') throw new TextError(node, 'expected a list, because the value is no object');
      return this.object(node, below, [...path, name]);
    }
    if (node.kind === 'list') return this.#leaf(node, [...path, name]);
    throw new TextError(node, 'expected a list of values, or an object');
  }

  #leaf(node: JsonNodeOf<'list'>, path: readonly string[]): LeafPattern {
    if (node.items.length === 0) throw new TextError(node, 'an empty list');
    const values = new Set<Scalar>();
    const tests: ScalarTest[] = [];
    let absent: LeafPattern['absent'];
    for (const item of node.items) {
      if (item.kind === 'list' || item.kind === 'variable')
        throw new TextError(item, 'expected a text, a number, true, false, null or an operator');
      if (item.kind !== 'object') {
        values.add(plainValue(item));
        continue;
      }
      this.#countWildcards(item);
      const operator = compileOperator(item);
      if (operator === 'absent') absent ??= { index: this.absences++, path };
      else tests.push(operator);
    }
    return { kind: 'leaf', values, tests, ...(absent === undefined ? {} : { absent }) };
  }

  #countWildcards(node: JsonNode): void {
    if (node.kind !== 'object') return;
    for (const { name, value } of node.members) {
      if (name.text === 'wildcard') this.#wildcards += value.kind === 'list' ? value.items.length : 1;
      if (this.#wildcards > ruleLimits.maxPatternWildcards)
        throw new TextError(value, `more than ${ruleLimits.maxPatternWildcards} wildcards in a pattern`);
      this.#countWildcards(value);
    }
  }

  /**
   * Members that are named once can be compared each for itself. Objects that are named both beside
   * and in an `$or`, or in two of them, must fit the same element where the event has a list. So
   * the combinations are written out, each with one object for both.
   */
  #together(members: Members, alternatives: readonly ObjectPattern[][], place: Place): ObjectPattern {
    const named = [
      ...members.keys(),
      ...alternatives.flatMap((group) => [...new Set(group.flatMap(namesOf))]),
    ];
    if (new Set(named).size === named.length)
      return { kind: 'object', members: inOrder(members), alternatives };
    if (this.#combinations > ruleLimits.maxSharedCombinations)
      throw new TextError(
        place,
        `an $or shares members with its surroundings and gives more than ${ruleLimits.maxSharedCombinations} combinations`,
      );
    let merged: ObjectPattern[] = [{ kind: 'object', members: inOrder(members), alternatives: [] }];
    for (const group of alternatives)
      merged = merged.flatMap((one) => group.map((other) => this.#merge(one, other, place)));
    return { kind: 'object', members: [], alternatives: [merged] };
  }

  #merge(one: ObjectPattern, other: ObjectPattern, place: Place): ObjectPattern {
    const members: Members = new Map(one.members.map((member) => [member.name, member.pattern]));
    for (const { name, pattern } of other.members) {
      const known = members.get(name);
      if (known === undefined) members.set(name, pattern);
      else if (known.kind === 'object' && pattern.kind === 'object')
        members.set(name, this.#merge(known, pattern, place));
      else
        throw new TextError(
          { ...place, path: memberPath(place.path, name) },
          'the member is named twice: beside $or and in it',
        );
    }
    const alternatives = [...one.alternatives, ...other.alternatives].map((group) => [...group]);
    return this.#together(members, alternatives, place);
  }
}

function namesOf({ members, alternatives }: ObjectPattern): string[] {
  return [...members.map(({ name }) => name), ...alternatives.flat().flatMap(namesOf)];
}

/** The payload last: it is parsed only if everything else fits. */
function inOrder(members: Members): ObjectPattern['members'] {
  const isPayload = ({ name }: { readonly name: string }) => Number(name === 'payload');
  return Array.from(members, ([name, pattern]) => ({ name, pattern })).toSorted(
    (a, b) => isPayload(a) - isPayload(b),
  );
}
