import { isTopicError, parseFilter } from '../topics/index.ts';

/** A topic filter, possibly with placeholders. A share is judged by its filter, so rules name none. */
export function isGrantFilter(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const parsed = parseFilter(value);
  return !isTopicError(parsed) && parsed.shareName === undefined;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
