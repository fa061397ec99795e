import { isObject } from './claim-shapes.ts';

/** Bounds of a path: characters of the whole, and member names in it. */
const maxPathCharacters = 256;
const maxPathMembers = 8;

/**
 * Where a claim is: the name of a top-level claim, taken as it is (`sub`, `cognito:groups`,
 * `https://example.com/publish`), or, beginning with `/`, a JSON Pointer (RFC 6901) to a member inside one
 * (`/realm_access/roles`). Lists are not entered.
 */
export type ClaimPath = string;

export function isClaimPath(value: unknown): value is ClaimPath {
  if (typeof value !== 'string' || value.length === 0 || value.length > maxPathCharacters) return false;
  if (/~(?![01])/.test(value) && value.startsWith('/')) return false;
  return membersOf(value).length <= maxPathMembers;
}

/** The value at a path, own members only; undefined where there is none. */
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
