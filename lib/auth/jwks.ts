import { isObject } from '../core/validation.ts';
import { KeyFetchError } from './key-fetch-error.ts';
import { type PublicJwk, parsePublicJwk } from './public-jwk.ts';

/** Keys in a fetched set, usable or not. Providers publish two to ten. */
const maxJwksKeys = 100;

/** A key of a set that Wisp does not verify with, and what a key needs for that. */
export interface UnusableKey {
  readonly kid?: string;
  readonly needs: string;
}

export interface KeySet {
  readonly usable: readonly PublicJwk[];
  readonly unusable: readonly UnusableKey[];
}

/**
 * The keys of a JWK set (RFC 7517 section 5). Wisp verifies with some and ignores the others, as
 * that section advises: keys for encryption, other curves and algorithms, symmetric keys, and keys
 * with private members, because everybody who has read the set can sign with them.
 *
 * @throws KeyFetchError if the text is no set
 */
export function readJwks(text: string): KeySet {
  const set = parseSet(text);
  if (!isObject(set) || !Array.isArray(set.keys)) throw new KeyFetchError('keys-malformed');
  if (set.keys.length > maxJwksKeys) throw new KeyFetchError('keys-too-many');
  const usable: PublicJwk[] = [];
  const unusable: UnusableKey[] = [];
  for (const value of set.keys as unknown[]) {
    const parsed = parsePublicJwk(value);
    if ('jwk' in parsed) usable.push(parsed.jwk);
    else unusable.push({ ...kidOf(value), needs: parsed.flaw });
  }
  return { usable, unusable };
}

function kidOf(value: unknown): { readonly kid?: string } {
  return isObject(value) && typeof value.kid === 'string' ? { kid: value.kid } : {};
}

/** The keys of a JWK set that Wisp verifies with. @throws KeyFetchError also if there is none */
export function parseJwks(text: string): readonly PublicJwk[] {
  const { usable } = readJwks(text);
  if (usable.length === 0) throw new KeyFetchError('keys-none');
  return usable;
}

function parseSet(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KeyFetchError('keys-not-json');
  }
}
