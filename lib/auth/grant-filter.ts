import { isTopicError, parseFilter } from '../topics/index.ts';

/**
 * Whether a value is a topic filter for a grant, possibly with placeholders. Rules apply to the
 * filter of a share, so they name no share.
 */
export function isGrantFilter(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const parsed = parseFilter(value);
  return !isTopicError(parsed) && parsed.shareName === undefined;
}
