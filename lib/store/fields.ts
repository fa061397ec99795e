import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  B,
  bytes,
  flag,
  type Item,
  item,
  json,
  known,
  N,
  NS,
  number,
  numberSet,
  S,
  storedTenant,
  string,
  version,
} from './attributes.ts';
import type { Expression } from './table.ts';

/** How one field of a model is stored: the attributes that hold it, and both directions. */
export interface Field<T> {
  readonly attributes: readonly string[];
  /** The attributes of a value. Attributes that are left out are absent from the item. */
  readonly write: (value: T) => Item;
  /** @throws ItemFormatError when an attribute is missing or of the wrong type. */
  readonly read: (stored: Item) => T;
}

/** The stored fields of a model, each listed once. Optional fields need {@link maybe}. */
export type Fields<T> = { readonly [Name in keyof T]-?: Field<T[Name]> };

/**
 * A string. `T` may be a branded string or a union of literals: the writer vouches for the value.
 */
export function text<T extends string = string>(attribute: string): Field<T> {
  return single(attribute, S, (stored) => string(stored, attribute) as T);
}

/** A number. `T` may be a union of literals. */
export function numeric<T extends number = number>(attribute: string): Field<T> {
  return single(attribute, N, (stored) => number(stored, attribute) as T);
}

/** A boolean; absent: false. */
export function boolean(attribute: string): Field<boolean> {
  return single(
    attribute,
    (value) => (value ? { BOOL: true } : undefined),
    (stored) => flag(stored, attribute),
  );
}

/** Bytes. */
export function binary(attribute: string): Field<Uint8Array> {
  return single(attribute, B, (stored) => bytes(stored, attribute));
}

/** A set of numbers. DynamoDB has no empty sets: an empty one is absent. */
export function numbers(attribute: string): Field<ReadonlySet<number>> {
  return single(
    attribute,
    (value) => (value.size === 0 ? undefined : NS(value)),
    (stored) => numberSet(stored, attribute),
  );
}

/** A JSON value as text. Its shape is not checked: it was checked before it was written. */
export function jsonText<T>(attribute: string): Field<T> {
  return single(
    attribute,
    (value) => S(JSON.stringify(value)),
    (stored) => json(stored, attribute) as T,
  );
}

/** A tenant id that the writer vouched for. */
export const tenantId = (attribute: string) =>
  single(attribute, S, (stored) => storedTenant(string(stored, attribute), attribute));

/** A field that the model may lack: absent attributes read as undefined. */
export function maybe<T>(field: Field<T>): Field<T | undefined> {
  return {
    attributes: field.attributes,
    write: (value) => (value === undefined ? {} : field.write(value)),
    read: (stored) =>
      field.attributes.every((name) => stored[name] === undefined) ? undefined : field.read(stored),
  };
}

/** A model within a model whose fields are attributes of the same item. */
export function group<T extends object>(fields: Fields<T>): Field<T> {
  return {
    attributes: listed(fields).flatMap(([, field]) => field.attributes),
    write: (value) => attributesOf(fields, value),
    read: (stored) => modelOf(fields, stored),
  };
}

/** A field in one attribute. */
export function single<T>(
  attribute: string,
  write: (value: T) => AttributeValue | undefined,
  read: (stored: Item) => T,
): Field<T> {
  return { attributes: [attribute], write: (value) => item({ [attribute]: write(value) }), read };
}

/** A model as the attributes of an item of the current format version, without its key. */
export function itemOf<T extends object>(fields: Fields<T>, model: T): Item {
  return { v: version, ...attributesOf(fields, model) };
}

/**
 * A stored item as a model.
 * @throws ItemVersionError when the item has another format version.
 * @throws ItemFormatError when an attribute is missing or of the wrong type.
 */
export function modelFrom<T extends object>(fields: Fields<T>, stored: Item): T {
  return modelOf(fields, known(stored));
}

/**
 * The update expression that makes an item's fields equal to those of `model`: SET for the
 * attributes with a value, REMOVE for the others. At least one field must have a value. Names are
 * `#attribute`, values `:attribute`.
 */
export function updateOf<T extends object>(
  fields: Fields<T>,
  model: T,
): Required<Expression> & { readonly update: string } {
  const attributes = attributesOf(fields, model);
  const names = listed(fields).flatMap(([, field]) => field.attributes);
  const set = names.filter((name) => name in attributes);
  const removed = names.filter((name) => !(name in attributes));
  return {
    update:
      `SET ${set.map((name) => `#${name} = :${name}`).join(', ')}` +
      (removed.length === 0 ? '' : ` REMOVE ${removed.map((name) => `#${name}`).join(', ')}`),
    names: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    values: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`:${name}`, value])),
  };
}

function attributesOf<T extends object>(fields: Fields<T>, model: T): Item {
  return Object.assign({}, ...listed(fields).map(([name, field]) => field.write(model[name])));
}

function modelOf<T extends object>(fields: Fields<T>, stored: Item): T {
  const model: Partial<T> = {};
  for (const [name, field] of listed(fields)) {
    const value = field.read(stored);
    if (value !== undefined) model[name] = value;
  }
  // `Fields` lists every field of T, and only `maybe` reads undefined.
  return model as T;
}

function listed<T extends object>(fields: Fields<T>): [keyof T, Field<T[keyof T]>][] {
  return Object.entries(fields) as [keyof T, Field<T[keyof T]>][];
}
