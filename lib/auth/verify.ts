import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Identity } from '../core/permissions.ts';
import { isTenantName, vouchedTenantId } from '../core/tenant-id.ts';
import { claimAt } from './claim-path.ts';
import { missingClaim, readClaims } from './claims.ts';
import { type AuthError, type AuthErrorCode, authError, isAuthError } from './errors.ts';
import type { IssuerConfig } from './issuer-config.ts';
import { KeyFetchError } from './key-fetch-error.ts';
import { type Candidate, candidateKeys, createKeySources, type KeySources } from './key-sources.ts';
import type { TenantConfig, TenantLookup } from './tenant-config.ts';
import { readUnverified, type UnverifiedToken } from './token.ts';

export interface VerifyTokenOptions {
  /** JWT in compact form, at most 8,192 bytes, without `Bearer `. */
  readonly token: string;
  /**
   * The tenant that the client names: the user name of CONNECT, or `?tenant=` of the handshake.
   * Default: the unverified claim `tenant` of the token, or its `iss` of the form `wisp:NAME`. It
   * only selects the tenant whose keys must verify the token.
   */
  readonly tenantHint?: string | undefined;
  readonly lookup: TenantLookup;
  /** Default: only the keys in tenants' rows. */
  readonly sources?: KeySources;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
  /** Called when no key fits the token, with what it names, unverified and cut. */
  readonly onUnknownKey?: ((unknown: UnknownKey) => void) | undefined;
}

/** Why no key fits a token: no issuer of the tenant has its `iss`, or no key its `kid`. */
export interface UnknownKey {
  readonly cause: 'iss-unknown' | 'kid-unknown';
  readonly tenant: string;
  readonly iss?: string;
  readonly kid?: string;
  readonly algorithm: string;
}

const maxLoggedCharacters = 128;

const storedKeys = createKeySources({
  fetchText: () => Promise.reject(new KeyFetchError('keys-source')),
  nowMs: Date.now,
});

/**
 * Verifies a JWT (RFC 7519, with the advice of RFC 8725) against the keys of one tenant: signature
 * by an algorithm that belongs to the key (ES256, RS256, EdDSA, HS256; never `none`), `exp`, `nbf`,
 * and `iss` and `aud` where the issuer's configuration names them. Times are compared in whole
 * seconds: at `exp` the token has expired.
 *
 * @returns the identity, whose `tenant` is verified, or the refusal. Failures of the lookup are
 *   thrown.
 */
export async function verifyToken(options: VerifyTokenOptions): Promise<Identity | AuthError> {
  const unverified = readUnverified(options.token);
  if (isAuthError(unverified)) return unverified;

  const name = options.tenantHint || unverified.tenant;
  if (name === undefined) return authError('tenant-missing');
  const config = isTenantName(name) ? await options.lookup.load(name) : undefined;
  if (config === undefined) return authError('tenant-unknown');

  const verified = await verifyByAny(config, unverified, options);
  if (isAuthError(verified)) {
    if (verified.code === 'token-key-unknown') options.onUnknownKey?.(unknownKey(name, config, unverified));
    return verified;
  }
  const { payload, issuer } = verified;
  // Only holders of a valid token learn this: to others a suspended tenant looks like an unknown
  // one.
  if (config.status !== 'active') return authError('tenant-suspended');
  if (!isFor(name, payload, issuer)) return authError('token-tenant');

  const claims = readClaims(payload, issuer);
  if ('flaw' in claims) return authError('claims-malformed', claims.flaw);
  return { tenant: vouchedTenantId(name), ...claims };
}

/** @param tenant whose issuers `config` has */
export function unknownKey(
  tenant: string,
  { issuers }: TenantConfig,
  { issuer, keyId, algorithm }: UnverifiedToken,
): UnknownKey {
  const isKnown = issuers.some(({ iss }) => iss === undefined || iss === issuer);
  return {
    cause: isKnown ? 'kid-unknown' : 'iss-unknown',
    tenant,
    ...(issuer === undefined ? {} : { iss: issuer.slice(0, maxLoggedCharacters) }),
    ...(keyId === undefined ? {} : { kid: keyId.slice(0, maxLoggedCharacters) }),
    algorithm,
  };
}

/**
 * Two tenants may trust one provider; then only a claim tells their tokens apart. If the
 * configuration names that claim, the token must have it; otherwise the claim `tenant` is compared
 * if the token has it.
 */
function isFor(tenant: string, payload: JWTPayload, { claimMapping }: IssuerConfig): boolean {
  const path = claimMapping?.tenant;
  if (path !== undefined) return claimAt(payload, path) === tenant;
  return payload.tenant === undefined || payload.tenant === tenant;
}

interface Verified {
  readonly payload: JWTPayload;
  readonly issuer: IssuerConfig;
}

async function verifyByAny(
  config: TenantConfig,
  unverified: UnverifiedToken,
  { token, nowSeconds, sources = storedKeys }: VerifyTokenOptions,
): Promise<Verified | AuthError> {
  const { candidates, incomplete } = await candidateKeys(config, unverified, sources);
  let failure: AuthErrorCode = candidates.length === 0 ? 'token-key-unknown' : 'token-signature';
  for (const candidate of candidates) {
    const result = await verifyBy(candidate, token, nowSeconds);
    if (typeof result !== 'string') return result;
    // The first key that verified the signature determines the refusal.
    if (failure === 'token-signature') failure = result;
  }
  const unproved = failure === 'token-key-unknown' || failure === 'token-signature';
  return authError(incomplete && unproved ? 'token-keys-unavailable' : failure);
}

async function verifyBy(
  { issuer, algorithms, load }: Candidate,
  token: string,
  nowSeconds: number,
): Promise<Verified | AuthErrorCode> {
  const key = await load();
  if (key === undefined) return 'token-signature';
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [...algorithms],
      currentDate: new Date(nowSeconds * 1_000),
      clockTolerance: issuer.clockToleranceSeconds ?? 0,
      ...(issuer.iss === undefined ? {} : { issuer: issuer.iss }),
      ...(issuer.audience === undefined ? {} : { audience: [issuer.audience].flat() }),
    });
    if (missingClaim(issuer, payload) !== undefined) return 'token-claim';
    return livesTooLong(issuer, payload, nowSeconds) ? 'token-lifetime' : { payload, issuer };
  } catch (error) {
    return authErrorCodeOf(error);
  }
}

/** An `iat` in the future counts as now, so that it cannot shorten the lifetime. */
function livesTooLong(
  { maxTokenSeconds, clockToleranceSeconds = 0 }: IssuerConfig,
  { exp, iat = Number.POSITIVE_INFINITY }: JWTPayload,
  nowSeconds: number,
): boolean {
  if (maxTokenSeconds === undefined) return false;
  return exp === undefined || exp - Math.min(iat, nowSeconds) > maxTokenSeconds + clockToleranceSeconds;
}

/** Reads only class and claim name of a jose error, because some carry the whole payload. */
function authErrorCodeOf(error: unknown): AuthErrorCode {
  if (error instanceof errors.JWTExpired) return 'token-expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'iss') return 'token-issuer';
    if (error.claim === 'aud') return 'token-audience';
    if (error.claim === 'nbf' && error.reason === 'check_failed') return 'token-not-yet-valid';
    return 'claims-malformed';
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'token-signature';
  if (error instanceof errors.JOSEError) return 'token-malformed';
  // The platform refused the key, such as an RSA key that is too short.
  return 'token-signature';
}
