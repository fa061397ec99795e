import { type CryptoKey, importJWK } from 'jose';
import type { IssuerConfig } from './issuer-config.ts';
import { KeyFetchError } from './key-fetch-error.ts';
import type { KeySources, VerificationKey } from './key-sources.ts';
import { algorithmsByKeyType, type PublicJwk } from './public-jwk.ts';
import type { TenantConfig } from './tenant-config.ts';
import type { UnverifiedToken } from './token.ts';

/** A key that may have signed a token, and the algorithms that it may verify. */
export interface Candidate {
  readonly issuer: IssuerConfig;
  readonly algorithms: readonly string[];
  /** undefined if the key is unusable, such as a point that is not on its curve. */
  load(): Promise<CryptoKey | Uint8Array | undefined>;
}

export interface Candidates {
  readonly candidates: readonly Candidate[];
  /** Whether keys that could verify the token cannot be loaded now. */
  readonly incomplete: boolean;
}

/** Limit of signature checks for one token, whatever the number of keys of the tenant. */
const maxCandidates = 8;

/**
 * The keys that fit a token's `alg` and `kid`. Keys of issuers with its `iss` come first, so that
 * the right one of two issuers with the same key counts. Remote keys are loaded only for issuers
 * whose `iss` fits.
 */
export async function candidateKeys(
  config: TenantConfig,
  token: UnverifiedToken,
  sources: KeySources,
): Promise<Candidates> {
  const fits = (issuer: IssuerConfig) => issuer.iss === undefined || issuer.iss === token.issuer;
  const issuers = config.issuers
    .filter((issuer) => fits(issuer) || !isElsewhere(issuer))
    .sort((a, b) => Number(fits(b)) - Number(fits(a)));
  let incomplete = false;
  const found = await Promise.all(
    issuers.map(async (issuer) => {
      try {
        const keys = await sources.keysFor(issuer.keys, token);
        return keys.map((key) => candidate(issuer, key));
      } catch (error) {
        if (!(error instanceof KeyFetchError)) throw error;
        incomplete = true;
        return [];
      }
    }),
  );
  return { candidates: found.flat().slice(0, maxCandidates), incomplete };
}

function isElsewhere({ keys }: IssuerConfig): boolean {
  return keys.kind === 'jwks-url' || keys.kind === 'secret-reference';
}

function candidate(issuer: IssuerConfig, key: VerificationKey): Candidate {
  return {
    issuer,
    algorithms: algorithmsByKeyType[key.kty],
    load: async () => (key.kty === 'secret' ? key.bytes : importPublicKey(key)),
  };
}

/** Importing a key costs as much as verifying, and a Lambda environment uses few keys. */
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
