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

/** Loops, not closures: a list may have tens of thousands of elements. */
function fitsMembers(pattern: ObjectPattern, object: object | undefined, matching: Matching): boolean {
  for (const { name, pattern: member } of pattern.members) {
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
  if (value !== undefined && fitsValue(pattern, value)) return true;
  const { absent } = pattern;
  if (absent === undefined) return false;
  matching.isAbsent[absent.index] ??= !hasValue(matching.event, absent.path, 0, matching.event);
  return matching.isAbsent[absent.index] === true;
}

function fitsValue(pattern: LeafPattern, value: unknown): boolean {
  if (Array.isArray(value)) {
    for (const element of value) if (fitsValue(pattern, element)) return true;
    return false;
  }
  if (value === undefined || isObjectValue(value)) return false;
  if (pattern.values.has(value as Scalar)) return true;
  for (const test of pattern.tests) if (test(value as Scalar)) return true;
  return false;
}

function hasValue(value: unknown, path: readonly string[], depth: number, event: object): boolean {
  if (Array.isArray(value)) return value.some((element) => hasValue(element, path, depth, event));
  const name = path[depth];
  if (name === undefined) return value !== undefined && !isObjectValue(value);
  return isObjectValue(value) && hasValue(memberOf(value, name, event), path, depth + 1, event);
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
