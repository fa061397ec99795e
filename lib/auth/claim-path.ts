import { isObject } from '../core/validation.ts';
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

/** Limits of a path: its characters and its member names. */
const maxPathCharacters = 256;
const maxPathMembers = 8;

/**
 * Path of a claim: the name of a top-level claim (`sub`, `cognito:groups`,
 * `https://example.com/publish`), or, beginning with `/`, a JSON Pointer (RFC 6901) to a nested
 * member (`/realm_access/roles`). A path does not go through lists.
 */
export type ClaimPath = string;

export function isClaimPath(value: unknown): value is ClaimPath {
  if (typeof value !== 'string' || value.length === 0 || value.length > maxPathCharacters) return false;
  if (/~(?![01])/.test(value) && value.startsWith('/')) return false;
  return membersOf(value).length <= maxPathMembers;
}

/** The value at a path of own members; undefined if there is none. */
export function claimAt(claims: { readonly [claim: string]: unknown }, path: ClaimPath): unknown {
  let value: unknown = claims;
  for (const name of membersOf(path)) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function membersOf(path: ClaimPath): string[] {
  if (!path.startsWith('/')) return [path];
  return path
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}
