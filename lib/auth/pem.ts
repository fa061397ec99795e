import { createPublicKey } from 'node:crypto';
import { type PublicJwk, parsePublicJwk } from './public-jwk.ts';

/** Characters of all blocks together, and blocks. Several serve a change of keys. */
export const maxPemCharacters = 65_536;
const maxPemBlocks = 16;

const block = /-----BEGIN (PUBLIC KEY|CERTIFICATE)-----[A-Za-z0-9+/=\s]+-----END \1-----/g;

/**
 * The public keys in PEM blocks (RFC 7468): `PUBLIC KEY` (SPKI) or `CERTIFICATE`, of which only the key counts:
 * neither its dates nor its issuer are looked at. Anything but whitespace between the blocks is refused, so that
 * a private key cannot slip in. The flaw never repeats key material.
 */
export function publicKeysFromPem(pem: unknown): { readonly keys: PublicJwk[] } | { readonly flaw: string } {
  if (typeof pem !== 'string' || pem.length > maxPemCharacters) {
    return { flaw: `PEM text of at most ${maxPemCharacters} characters` };
  }
  if (pem.includes('PRIVATE KEY')) return { flaw: 'a public key; this one is private' };
  const blocks = pem.match(block) ?? [];
  if (blocks.length === 0 || blocks.length > maxPemBlocks || pem.replace(block, '').trim() !== '') {
    return { flaw: `1 to ${maxPemBlocks} PEM blocks "PUBLIC KEY" or "CERTIFICATE", and nothing else` };
  }
  const keys: PublicJwk[] = [];
  for (const text of blocks) {
    const parsed = parsePublicJwk(jwkOf(text));
    if ('flaw' in parsed) return parsed;
    keys.push(parsed.jwk);
  }
  return { keys };
}

function jwkOf(text: string): unknown {
  try {
    return createPublicKey(text).export({ format: 'jwk' });
  } catch {
    return undefined;
  }
}
