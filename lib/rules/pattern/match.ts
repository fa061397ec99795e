import type { CompiledPattern, LeafPattern, ObjectPattern } from './compile.ts';
import type { Scalar } from './tests.ts';

/**
 * Whether the event fits the pattern. Each part of the pattern sees each value of the event at most
 * once, so the time is bounded by the product of their sizes.
 *
 * - A list fits if one of its elements does. Members of one object of the pattern must fit the same
 *   element.
 * - A leaf never fits an object.
 *
 * @param budget is reduced by the steps that it takes. Default: no bound.
 * @returns `undecided` when the budget has ended.
 */
export function matchesPattern(
  { root, absences }: CompiledPattern,
  event: object,
  budget: MatchBudget = { steps: Number.POSITIVE_INFINITY },
): boolean | 'undecided' {
  try {
    return fitsObject(root, event, { event, budget, isAbsent: absences === 0 ? [] : Array(absences) });
  } catch (error) {
    if (error === budgetEnded) return 'undecided';
    throw error;
  }
}

/**
 * Steps that comparisons may still take, together. A step is a look at a member, an element or a
 * value by one test, or at 8 characters of a text by one test.
 */
export interface MatchBudget {
  steps: number;
}

const budgetEnded = new Error('the budget of steps has ended');
/** Characters of a text that one step looks at. */
const charactersPerStep = 8;

function spend({ budget }: Matching, steps: number): void {
  budget.steps -= steps;
  if (budget.steps < 0) throw budgetEnded;
}

interface Matching {
  readonly event: object;
  readonly budget: MatchBudget;
  /** What is known of the leaves with `{"exists": false}`, by their index. */
  readonly isAbsent: (boolean | undefined)[];
}

function fitsObject(pattern: ObjectPattern, value: unknown, matching: Matching): boolean {
  if (!Array.isArray(value)) return fitsMembers(pattern, isObjectValue(value) ? value : undefined, matching);
  for (const element of value) {
    spend(matching, 1);
    if (isObjectValue(element) && fitsObject(pattern, element, matching)) return true;
  }
  // No element has to fit where only absent members are asked for.
  return fitsMembers(pattern, undefined, matching);
}

/** Loops, not closures: a list may have tens of thousands of elements. */
function fitsMembers(pattern: ObjectPattern, object: object | undefined, matching: Matching): boolean {
  for (const { name, pattern: member } of pattern.members) {
    spend(matching, 1);
    const value = memberOf(object, name, matching.event);
    const fits =
      member.kind === 'leaf' ? fitsLeaf(member, value, matching) : fitsObject(member, value, matching);
    if (!fits) return false;
  }
  for (const group of pattern.alternatives) if (!fitsOne(group, object, matching)) return false;
  return true;
}

function fitsOne(group: readonly ObjectPattern[], object: object | undefined, matching: Matching): boolean {
  for (const one of group) if (fitsMembers(one, object, matching)) return true;
  return false;
}

function fitsLeaf(pattern: LeafPattern, value: unknown, matching: Matching): boolean {
  if (value !== undefined && fitsValue(pattern, value, matching)) return true;
  const { absent } = pattern;
  if (absent === undefined) return false;
  matching.isAbsent[absent.index] ??= !hasValue(matching.event, absent.path, 0, matching);
  return matching.isAbsent[absent.index] === true;
}

function fitsValue(pattern: LeafPattern, value: unknown, matching: Matching): boolean {
  if (Array.isArray(value)) {
    for (const element of value) if (fitsValue(pattern, element, matching)) return true;
    return false;
  }
  const characters = typeof value === 'string' ? value.length : 0;
  spend(matching, 1 + pattern.tests.length * (1 + Math.floor(characters / charactersPerStep)));
  if (value === undefined || isObjectValue(value)) return false;
  if (pattern.values.has(value as Scalar)) return true;
  for (const test of pattern.tests) if (test(value as Scalar)) return true;
  return false;
}

function hasValue(value: unknown, path: readonly string[], depth: number, matching: Matching): boolean {
  spend(matching, 1);
  if (Array.isArray(value)) return value.some((element) => hasValue(element, path, depth, matching));
  const name = path[depth];
  if (name === undefined) return value !== undefined && !isObjectValue(value);
  return isObjectValue(value) && hasValue(memberOf(value, name, matching.event), path, depth + 1, matching);
}

/** The event's own members may be getters of its class; those of a payload are data. */
function memberOf(object: object | undefined, name: string, event: object): unknown {
  const value = (object as Readonly<Record<string, unknown>> | undefined)?.[name];
  if (value === undefined || object === event || Object.hasOwn(object ?? {}, name)) return value;
  return undefined;
}

function isObjectValue(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
