import { base64url, type CryptoKey, importJWK } from 'jose';
import { CachedLoader } from './cached-loader.ts';
import type { FetchText } from './https-get.ts';
import { type IssuerConfig, type IssuerKeys, secretLimits } from './issuer-config.ts';
import { parseJwks } from './jwks.ts';
import { KeyFetchError, type KeyFetchErrorCode } from './key-fetch-error.ts';
import { publicKeysFromPem } from './pem.ts';
import { algorithmsByKeyType, type PublicJwk } from './public-jwk.ts';
import type { TenantConfig } from './tenant-config.ts';
import type { UnverifiedToken } from './token.ts';

/** Store of the shared secrets that the tenant's row refers to. */
export interface SecretSource {
  /**
   * The valid versions of a secret, the current one first: a token of the previous one still
   * verifies during a rotation. Bytes are taken as they are, text by the `encoding` of the issuer.
   */
  load(reference: string): Promise<readonly (string | Uint8Array)[]>;
}

export interface KeySourcesOptions {
  readonly fetchText: FetchText;
  /** Default: none; issuers with a reference have no keys then. */
  readonly secrets?: SecretSource;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /**
   * Called when keys cannot be loaded; `source` is the host of a URL, or the reference of a secret.
   */
  readonly onFailure?: (failure: { readonly code: KeyFetchErrorCode; readonly source: string }) => void;
}

/** What verifies a token: a public key, or the bytes of a shared secret. */
export type VerificationKey = PublicJwk | { readonly kty: 'secret'; readonly bytes: Uint8Array };

export interface KeySources {
  /**
   * The keys of an issuer that fit the token's `alg` and `kid`.
   * @throws KeyFetchError when they cannot be loaded.
   */
  keysFor(keys: IssuerKeys, token: UnverifiedToken): Promise<readonly VerificationKey[]>;
}

const minuteMs = 60_000;

/**
 * JWKS: fresh for 10 minutes, usable for an hour while the provider is unreachable. An unknown
 * `kid` causes a reload.
 */
const jwksAge = { maxAgeMs: 10 * minuteMs, maxStaleMs: 60 * minuteMs };
/** Secrets have no `kid`: a new version is used after 5 minutes at the latest. */
const secretAge = { maxAgeMs: 5 * minuteMs, maxStaleMs: 60 * minuteMs };

/**
 * Keys in the tenant's row, at a URL, and behind a reference. This object caches the latter two.
 */
export function createKeySources(options: KeySourcesOptions): KeySources {
  const { fetchText, nowMs, secrets, onFailure } = options;
  const jwks = new CachedLoader({
    ...jwksAge,
    nowMs,
    load: async (url) => parseJwks(await fetchText(url)),
    onFailure: (url, code) => onFailure?.({ code, source: hostOf(url) }),
  });
  const secretVersions = new CachedLoader({
    ...secretAge,
    nowMs,
    load: (reference) => loadSecret(secrets, reference),
    onFailure: (source, code) => onFailure?.({ code, source }),
  });

  return {
    async keysFor(keys, token) {
      switch (keys.kind) {
        case 'inline':
          return keys.keys.filter((key) => fits(key, token));
        case 'pem':
          return publicKeysOf(keys).filter((key) => fits(key, token));
        case 'jwks-url': {
          // A public set has no shared secret: nothing to fetch for such a token.
          if (isSecretAlgorithm(token.algorithm)) return [];
          const set = await jwks.get(keys.url, (known) => known.some((key) => fits(key, token)));
          return set.filter((key) => fits(key, token));
        }
        case 'secret':
          return isSecretAlgorithm(token.algorithm) ? [secretKey(base64url.decode(keys.secret))] : [];
        case 'secret-reference': {
          if (!isSecretAlgorithm(token.algorithm)) return [];
          const versions = await secretVersions.get(keys.reference);
          const usable = versions.flatMap((version) => secretBytesOf(version, keys.encoding) ?? []);
          if (usable.length > 0) return usable.map(secretKey);
          onFailure?.({ code: 'secret-malformed', source: keys.reference });
          throw new KeyFetchError('secret-malformed');
        }
      }
    },
  };
}

/** `kid` is only compared as a string. A key without one fits every `kid`. */
function fits(key: PublicJwk, token: UnverifiedToken): boolean {
  const algorithms: readonly string[] = algorithmsByKeyType[key.kty];
  const kidFits = key.kid === undefined || token.keyId === undefined || key.kid === token.keyId;
  return kidFits && algorithms.includes(token.algorithm);
}

function isSecretAlgorithm(algorithm: string): boolean {
  const algorithms: readonly string[] = algorithmsByKeyType.secret;
  return algorithms.includes(algorithm);
}

type PemKeys = Extract<IssuerKeys, { kind: 'pem' }>;
/** A configuration is read rarely and used for many tokens. */
const parsedPem = new WeakMap<PemKeys, readonly PublicJwk[]>();

function publicKeysOf(keys: PemKeys): readonly PublicJwk[] {
  const known = parsedPem.get(keys);
  if (known !== undefined) return known;
  const parsed = publicKeysFromPem(keys.pem);
  const publicKeys = 'flaw' in parsed ? [] : parsed.keys;
  parsedPem.set(keys, publicKeys);
  return publicKeys;
}

function secretKey(bytes: Uint8Array): VerificationKey {
  return { kty: 'secret', bytes };
}

async function loadSecret(
  secrets: SecretSource | undefined,
  reference: string,
): Promise<readonly (string | Uint8Array)[]> {
  if (secrets === undefined) throw new KeyFetchError('keys-source');
  try {
    const versions = await secrets.load(reference);
    if (versions.length > 0) return versions;
  } catch {
    // The error of the source is dropped, because it may hold secrets.
  }
  throw new KeyFetchError('secret-unavailable');
}

function secretBytesOf(
  version: string | Uint8Array,
  encoding: 'base64url' | 'utf8' = 'base64url',
): Uint8Array | undefined {
  const bytes = typeof version === 'string' ? decodeText(version, encoding) : version;
  const { minSecretBytes, maxSecretBytes } = secretLimits;
  const fitting = bytes !== undefined && bytes.length >= minSecretBytes && bytes.length <= maxSecretBytes;
  return fitting ? bytes : undefined;
}

function decodeText(text: string, encoding: 'base64url' | 'utf8'): Uint8Array | undefined {
  if (encoding === 'utf8') return new TextEncoder().encode(text);
  return /^[A-Za-z0-9_-]+$/.test(text) ? base64url.decode(text) : undefined;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'invalid';
}

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
