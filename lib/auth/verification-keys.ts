import { base64url, type CryptoKey, importJWK } from 'jose';
import { algorithmsByKeyType, type PublicJwk } from './public-jwk.ts';
import type { IssuerConfig, TenantConfig } from './tenant-config.ts';
import type { UnverifiedToken } from './token.ts';

/** A key that may have signed a token, with the only algorithms that it verifies. */
export interface Candidate {
  readonly issuer: IssuerConfig;
  readonly algorithms: readonly string[];
  /** undefined where the key cannot be used, for example a point that does not lie on its curve. */
  load(): Promise<CryptoKey | Uint8Array | undefined>;
}

/** A stranger's token costs at most so many signature checks, however many keys the tenant has. */
export const maxCandidates = 8;

/**
 * The keys that fit a token's `alg` and `kid`: those of issuers with its `iss` first, so that a key which two issuers
 * share is judged by the right one. `kid` is compared as a string and used for nothing else; a key without one
 * fits every `kid`.
 */
export function candidateKeys(config: TenantConfig, token: UnverifiedToken): Candidate[] {
  const fits = (issuer: IssuerConfig) => issuer.iss === undefined || issuer.iss === token.issuer;
  const issuers = [...config.issuers].sort((a, b) => Number(fits(b)) - Number(fits(a)));
  return issuers.flatMap((issuer) => keysOf(issuer, token)).slice(0, maxCandidates);
}

function keysOf(issuer: IssuerConfig, token: UnverifiedToken): Candidate[] {
  const { keys } = issuer;
  if (keys.kind === 'secret') {
    const algorithms: readonly string[] = algorithmsByKeyType.secret;
    if (!algorithms.includes(token.algorithm)) return [];
    return [{ issuer, algorithms, load: async () => base64url.decode(keys.secret) }];
  }
  return keys.keys
    .filter((jwk) => {
      const algorithms: readonly string[] = algorithmsByKeyType[jwk.kty];
      const kidFits = jwk.kid === undefined || token.keyId === undefined || jwk.kid === token.keyId;
      return kidFits && algorithms.includes(token.algorithm);
    })
    .map((jwk) => ({
      issuer,
      algorithms: algorithmsByKeyType[jwk.kty],
      load: () => importPublicKey(jwk),
    }));
}

/** Importing costs as much as verifying, and a Lambda environment sees the same few keys again and again. */
const imported = new Map<string, Promise<CryptoKey | undefined>>();
const maxImported = 1_000;

function importPublicKey(jwk: PublicJwk): Promise<CryptoKey | undefined> {
  const name = JSON.stringify(jwk);
  const known = imported.get(name);
  if (known !== undefined) return known;
  const key = importJWK({ ...jwk }, algorithmsByKeyType[jwk.kty][0]).then(
    (result) => (result instanceof Uint8Array ? undefined : result),
    () => undefined,
  );
  if (imported.size >= maxImported) imported.clear();
  imported.set(name, key);
  return key;
}
