import type { CompiledPattern, LeafPattern, ObjectPattern } from './compile.ts';
import type { Scalar } from './tests.ts';

/**
 * Whether the event fits the pattern. Each part of the pattern sees each value of the event at most
 * once, so the time is bounded by the product of their sizes.
 *
 * - A list fits if one of its elements does. Members of one object of the pattern must fit the same
 *   element.
 * - A leaf never fits an object.
 */
export function matchesPattern({ root, absences }: CompiledPattern, event: object): boolean {
  return fitsObject(root, event, { event, isAbsent: absences === 0 ? [] : Array(absences) });
}

interface Matching {
  readonly event: object;
  /** What is known of the leaves with `{"exists": false}`, by their index. */
  readonly isAbsent: (boolean | undefined)[];
}

function fitsObject(pattern: ObjectPattern, value: unknown, matching: Matching): boolean {
  if (!Array.isArray(value)) return fitsMembers(pattern, isObjectValue(value) ? value : undefined, matching);
  for (const element of value)
    if (isObjectValue(element) && fitsObject(pattern, element, matching)) return true;
  // No element has to fit where only absent members are asked for.
  return fitsMembers(pattern, undefined, matching);
}

function fitsMembers(pattern: ObjectPattern, object: object | undefined, matching: Matching): boolean {
  for (const [name, member] of pattern.members) {
    const value = memberOf(object, name);
    const fits =
      member.kind === 'leaf' ? fitsLeaf(member, value, matching) : fitsObject(member, value, matching);
    if (!fits) return false;
  }
  return pattern.alternatives.every((group) => group.some((one) => fitsMembers(one, object, matching)));
}

function fitsLeaf(pattern: LeafPattern, value: unknown, matching: Matching): boolean {
  if (fitsValue(pattern, value)) return true;
  const { absent } = pattern;
  if (absent === undefined) return false;
  matching.isAbsent[absent.index] ??= !hasValue(matching.event, absent.path, 0);
  return matching.isAbsent[absent.index] === true;
}

function fitsValue(pattern: LeafPattern, value: unknown): boolean {
  if (value === undefined) return false;
  if (Array.isArray(value)) return value.some((element) => fitsValue(pattern, element));
  if (isObjectValue(value)) return false;
  const scalar = value as Scalar;
  return pattern.values.has(scalar) || pattern.tests.some((test) => test(scalar));
}

function hasValue(value: unknown, path: readonly string[], depth: number): boolean {
  if (Array.isArray(value)) return value.some((element) => hasValue(element, path, depth));
  const name = path[depth];
  if (name === undefined) return value !== undefined && !isObjectValue(value);
  return isObjectValue(value) && hasValue(memberOf(value, name), path, depth + 1);
}

function memberOf(object: object | undefined, name: string): unknown {
  if (object === undefined || !Object.hasOwn(object, name)) return undefined;
  return (object as Readonly<Record<string, unknown>>)[name];
}

function isObjectValue(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
