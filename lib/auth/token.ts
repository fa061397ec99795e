import { decodeJwt, decodeProtectedHeader } from 'jose';
import { type AuthError, authError } from './errors.ts';
import { algorithmsByKeyType } from './public-jwk.ts';

/**
 * Larger tokens are refused unparsed. A token with a hundred rules has half of this size. MQTT
 * allows a password of 64 KB, API Gateway a URL of 4,096 bytes.
 */
export const maxTokenBytes = 8_192;

/** Unverified contents of a token. They only select the keys that must verify it. */
export interface UnverifiedToken {
  readonly algorithm: string;
  readonly keyId?: string;
  /**
   * The tenant that the token claims to be for: claim `tenant`, or `iss` of the form `wisp:NAME`.
   */
  readonly tenant?: string;
  readonly issuer?: string;
}

const knownAlgorithms: ReadonlySet<string> = new Set(Object.values(algorithmsByKeyType).flat());
const compactJws = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/** `iss` of the tokens that `wisp token` mints for a tenant. */
export const wispIssuer = (tenant: string): string => `wisp:${tenant}`;
/** `aud` of the tokens that `wisp token` mints. */
export const wispAudience = 'wisp';

/**
 * Reads header and claims of a compact JWS without verifying it. Does not recurse, so deep nesting
 * is harmless.
 */
export function readUnverified(token: string): UnverifiedToken | AuthError {
  if (token.length === 0) return authError('token-missing');
  if (token.length > maxTokenBytes) return authError('token-too-large');
  if (!compactJws.test(token)) return authError('token-malformed');
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    const { iss, tenant } = decodeJwt(token);
    if (typeof alg !== 'string' || !knownAlgorithms.has(alg)) return authError('token-algorithm');
    const named = tenant ?? (typeof iss === 'string' && iss.startsWith('wisp:') ? iss.slice(5) : undefined);
    return {
      algorithm: alg,
      ...(typeof kid === 'string' ? { keyId: kid } : {}),
      ...(typeof named === 'string' ? { tenant: named } : {}),
      ...(typeof iss === 'string' ? { issuer: iss } : {}),
    };
  } catch {
    return authError('token-malformed');
  }
}
