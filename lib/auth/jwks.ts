import { isObject } from '../core/validation.ts';
import { KeyFetchError } from './key-fetch-error.ts';
import { type PublicJwk, parsePublicJwk } from './public-jwk.ts';

/** Keys in a fetched set, usable or not. Providers publish two to ten. */
const maxJwksKeys = 100;

/**
 * The keys of a JWK set (RFC 7517 section 5) that Wisp verifies with. Others are ignored, as that
 * section advises: keys for encryption, other curves and algorithms, symmetric keys, and keys with
 * private members, because everybody who has read the set can sign with them.
 *
 * @throws KeyFetchError
 */
export function parseJwks(text: string): readonly PublicJwk[] {
  const set = parseSet(text);
  if (!isObject(set) || !Array.isArray(set.keys)) throw new KeyFetchError('keys-malformed');
  if (set.keys.length > maxJwksKeys) throw new KeyFetchError('keys-too-many');
  const usable = set.keys.flatMap((value: unknown) => {
    const parsed = parsePublicJwk(value);
    return 'flaw' in parsed ? [] : [parsed.jwk];
  });
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
