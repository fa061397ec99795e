import { createPublicKey } from 'node:crypto';
import { type PublicJwk, parsePublicJwk } from './public-jwk.ts';

/** Characters of all blocks together, and number of blocks. Several blocks allow a key rotation. */
export const maxPemCharacters = 65_536;
const maxPemBlocks = 16;

const block = /-----BEGIN (PUBLIC KEY|CERTIFICATE)-----[A-Za-z0-9+/=\s]+-----END \1-----/g;

/**
 * The public keys in PEM blocks (RFC 7468): `PUBLIC KEY` (SPKI) or `CERTIFICATE`. Of a certificate
 * only the key is used, not its dates and issuer. Anything but whitespace between the blocks is
 * refused, so that a private key is not accepted by accident. The flaw never repeats key material.
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
