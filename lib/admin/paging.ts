import * as v from 'valibot';
import { closedObject, wholeNumber } from '../core/validation.ts';
import { Problem } from '../http/problem.ts';
import { checkedParameters, literalParameters } from '../http/read.ts';

const maxPageItems = 100;
const defaultPageItems = 50;
const limitSchema = closedObject({
  limit: v.exactOptional(wholeNumber(1, maxPageItems), defaultPageItems),
});

/** `?limit=`, 1 to 100; default 50. */
export function pageLimit(query: URLSearchParams): number {
  return checkedParameters(limitSchema, literalParameters(query, ['limit'])).limit;
}

/** The parts of `?page=`, which is `next` of the page before; absent: the first page. */
export function pageStart(query: URLSearchParams, parts: number): readonly string[] | undefined {
  const token = query.get('page');
  if (token === null) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (Array.isArray(value) && value.length === parts && value.every((part) => typeof part === 'string'))
      return value as string[];
  } catch {
    // Not JSON: no token of this API.
  }
  throw new Problem('page');
}

/** The opaque token that {@link pageStart} reads. */
export function pageToken(...parts: string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}
