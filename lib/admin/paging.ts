import { Problem } from '../http/problem.ts';
import { integerParameter } from '../http/read.ts';

export const maxPageItems = 100;
const defaultPageItems = 50;

/** `?limit=`, 1 to 100; default 50. */
export function pageLimit(query: URLSearchParams): number {
  return integerParameter(query, 'limit', { min: 1, max: maxPageItems }) ?? defaultPageItems;
}

/** `?page=`: where the page begins, as the previous one told in `next`. The parts are texts; absent: the first page. */
export function pageStart(query: URLSearchParams, parts: number): readonly string[] | undefined {
  const token = query.get('page');
  if (token === null) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (Array.isArray(value) && value.length === parts && value.every((part) => typeof part === 'string'))
      return value as string[];
  } catch {
    // Not one of ours: said below.
  }
  throw new Problem('page');
}

/** The opaque token that {@link pageStart} reads. */
export function pageToken(...parts: string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}
