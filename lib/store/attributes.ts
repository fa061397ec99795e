import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { isTenantName, type TenantId, vouchedTenantId } from '../core/tenant-id.ts';
import { UnreadableItemError } from '../core/unreadable-item.ts';

/** A DynamoDB item or key, as the low-level client has it. */
export type Item = Record<string, AttributeValue>;

/**
 * Version of the item formats in this folder; every item carries it as `v` (see
 * docs/architecture.md).
 */
const itemFormatVersion = 1;

export const S = (value: string): AttributeValue => ({ S: value });
export const N = (value: number): AttributeValue => ({ N: String(value) });
export const B = (value: Uint8Array): AttributeValue => ({ B: value });
export const BOOL = (value: boolean): AttributeValue => ({ BOOL: value });
export const NS = (values: Iterable<number>): AttributeValue => ({ NS: Array.from(values, String) });
/** The TTL attribute: seconds since 1970, `seconds` after `fromMs`. */
export const ttl = (fromMs: number, seconds: number): AttributeValue => N(Math.ceil(fromMs / 1000) + seconds);
export const version: AttributeValue = N(itemFormatVersion);

/** An item that this release did not write: damaged, or written by a newer release. */
export class ItemFormatError extends UnreadableItemError {
  override readonly name: string = 'ItemFormatError';
  constructor(
    attribute: string,
    message = `attribute "${attribute}" of a stored item is missing or of the wrong type`,
  ) {
    super(message);
  }
}

/**
 * An item of another format version: the deployment was rolled back too far, or skipped a release.
 */
export class ItemVersionError extends ItemFormatError {
  override readonly code = 'item-version';
  override readonly name = 'ItemVersionError';
  /** @param found absent if a conditional write detected it. */
  constructor(found?: number) {
    super(
      'v',
      `a stored item has ${found === undefined ? 'another format version' : `format version ${found}`}; ` +
        `this release knows ${itemFormatVersion}: see docs/upgrading.md`,
    );
  }
}

/**
 * The item itself, if this release knows its format.
 * @throws ItemVersionError rather than misread an item of another format.
 */
export function known(stored: Item): Item {
  const found = number(stored, 'v');
  if (found !== itemFormatVersion) throw new ItemVersionError(found);
  return stored;
}

/**
 * Reads an item of several: undefined for one that is unreadable, so that it does not fail the
 * others.
 */
export function unlessUnreadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableItemError) return undefined;
    throw error;
  }
}

export function optionalString(item: Item, name: string): string | undefined {
  return item[name]?.S;
}

export function string(item: Item, name: string): string {
  const value = item[name]?.S;
  if (value === undefined) throw new ItemFormatError(name);
  return value;
}

/** The value of a JSON text. */
export function json(item: Item, name: string): unknown {
  try {
    return JSON.parse(string(item, name));
  } catch {
    throw new ItemFormatError(name);
  }
}

/** The tenant id of an item, which its writer vouched for. */
export function storedTenant(name: string, attribute: string): TenantId {
  if (!isTenantName(name)) throw new ItemFormatError(attribute);
  return vouchedTenantId(name);
}

export function optionalNumber(item: Item, name: string): number | undefined {
  const value = item[name]?.N;
  return value === undefined ? undefined : Number(value);
}

export function number(item: Item, name: string): number {
  const value = item[name]?.N;
  if (value === undefined) throw new ItemFormatError(name);
  return Number(value);
}

export function bytes(item: Item, name: string): Uint8Array {
  const value = item[name]?.B;
  if (value === undefined) throw new ItemFormatError(name);
  return value;
}

export function flag(item: Item, name: string): boolean {
  return item[name]?.BOOL ?? false;
}

export function numberSet(item: Item, name: string): ReadonlySet<number> {
  return new Set((item[name]?.NS ?? []).map(Number));
}

/** The attributes that have a value. */
export function item(attributes: Record<string, AttributeValue | undefined>): Item {
  const result: Item = {};
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) result[name] = value;
  return result;
}

export function optional<T>(
  value: T | undefined,
  make: (value: T) => AttributeValue,
): AttributeValue | undefined {
  return value === undefined ? undefined : make(value);
}
