import * as v from 'valibot';

/**
 * What is wrong with a value, with the path to it: `issuers[2].iss: expected a text of 1 to 512
 * characters`.
 */
export interface Flaw {
  readonly flaw: string;
}

/** Characters of a member's name that a flaw repeats. */
const maxNameCharacters = 40;
/** Members that a flaw names where one is missing. */
const maxFoundMembers = 8;

/**
 * Checks a value that comes from outside: HTTP bodies, configuration, quotas, events. Every such
 * check uses this function and a valibot schema. The messages of the schemas name what is expected
 * ("a text of 1 to 512 characters"); a flaw names the member and what is expected of it, never the
 * value, which may be a secret.
 *
 * @param at name of the whole value, for the path in the flaw.
 * @returns the value as the schema gives it, or the first flaw.
 */
export function validate<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  at = '',
): { readonly value: v.InferOutput<Schema> } | Flaw {
  const result = v.safeParse(schema, value, { abortEarly: true, message: expectation });
  if (result.success) return { value: result.output };
  const [issue] = result.issues;
  return { flaw: flawOf(issue, at) };
}

/** Takes the place of valibot's own messages, which repeat the value that they refuse. */
function expectation({ expected }: v.BaseIssue<unknown>): string {
  return expected === 'Object'
    ? 'an object'
    : expected === 'Array'
      ? 'a list'
      : (expected ?? 'another value');
}

function flawOf({ path, type, expected, message }: v.BaseIssue<unknown>, at: string): string {
  const keys = (path ?? []).map(({ key }) => key);
  if (type === 'strict_object' && expected === 'never') {
    const name = String(keys.pop()).slice(0, maxNameCharacters);
    return `${prefixOf(keys, at)}unknown member "${name}"`;
  }
  const missing = (type === 'strict_object' || type === 'object') && expected === `"${keys.at(-1)}"`;
  const rule = missing
    ? `missing${foundIn(path?.at(-1)?.input, String(keys.at(-1)))}`
    : `expected ${message}`;
  return `${prefixOf(keys, at)}${rule}`;
}

/** The members that are present, because one of them may be the missing one misspelt. */
function foundIn(object: unknown, missing: string): string {
  const found = Object.keys(object ?? {});
  const near = found.find((name) => isMisspelt(name, missing));
  if (near !== undefined) return `; found "${near.slice(0, maxNameCharacters)}", did you mean "${missing}"?`;
  const names = found.slice(0, maxFoundMembers);
  const quoted = names.map((name) => `"${name.slice(0, maxNameCharacters)}"`);
  return quoted.length === 0 ? '' : `; found ${quoted.join(', ')}`;
}

/** Whether the letters are the same, or all but one of them, in any order and case. */
function isMisspelt(name: string, meant: string): boolean {
  if (Math.abs(name.length - meant.length) > 1) return false;
  const left = [...meant.toLowerCase()];
  let others = 0;
  for (const letter of name.toLowerCase()) {
    const index = left.indexOf(letter);
    if (index === -1) others++;
    else left.splice(index, 1);
  }
  return others <= 1 && left.length <= 1 && meant.length > 2;
}

/** `issuers[2].iss: `; nothing for the whole value without a name. */
function prefixOf(keys: readonly unknown[], at: string): string {
  const path = keys.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key).slice(0, maxNameCharacters);
    return text === '' ? name : `${text}.${name}`;
  }, at);
  return path === '' ? '' : `${path}: `;
}

/** An object with these members and no others. Valibot alone takes an empty list for an object. */
export function closedObject<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(v.custom<object>(isObject, 'an object'), v.strictObject(entries));
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text of 1 to `maxCharacters` UTF-16 units. */
export function boundedText(maxCharacters: number) {
  const expected = `a text of 1 to ${maxCharacters} characters`;
  return v.pipe(v.string(expected), v.minLength(1, expected), v.maxLength(maxCharacters, expected));
}

/** A whole number from `min` to `max`; without `max` up to 2^53 - 1. */
export function wholeNumber(min: number, max?: number) {
  const expected = `a whole number, ${max === undefined ? `${min} or more` : `${min} to ${max}`}`;
  const number = v.pipe(v.number(expected), v.safeInteger(expected), v.minValue(min, expected));
  return max === undefined ? number : v.pipe(number, v.maxValue(max, expected));
}

/** A list of `min` to `max` items; one that is too long is refused before its items are checked. */
export function list<Item extends v.GenericSchema>(item: Item, min: number, max: number) {
  const isList = (given: unknown): boolean =>
    Array.isArray(given) && given.length >= min && given.length <= max;
  return v.pipe(
    v.custom<unknown[]>(isList, `a list of ${min} to ${max} items`),
    v.array(item),
    v.minLength(min),
    v.maxLength(max),
  );
}

/** Valibot drops these members of a record silently, and one of them could be a restriction. */
const reserved: ReadonlySet<string> = new Set(['__proto__', 'prototype', 'constructor']);

/** An object of at most `max` members whose names and values the schemas describe. */
export function record<Key extends v.GenericSchema<string, string>, Value extends v.GenericSchema>(
  key: Key,
  value: Value,
  max: number,
) {
  const isRecord = (given: unknown): boolean =>
    isObject(given) &&
    Object.keys(given).length <= max &&
    !Object.keys(given).some((name) => reserved.has(name));
  return v.pipe(v.custom<object>(isRecord, `an object of at most ${max} members`), v.record(key, value));
}
