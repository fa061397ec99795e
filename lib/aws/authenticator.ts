import { createAuthenticator, type SecretSource, type TenantLookup } from '../auth/index.ts';
import type { Authenticator, Log } from '../core/ports.ts';

export interface VerificationOptions {
  readonly log: Log;
  /** Where shared secrets are that tenants' rows refer to. Default: none, such issuers have no keys. */
  readonly secrets?: SecretSource;
  /** Whether issuers' keys may be fetched over http and from private addresses. For local use; default: false. */
  readonly allowPrivateIssuers?: boolean;
}

/** Token verification over the tenants' rows; keys that cannot be had are logged, by source. */
export function createAuthenticatorPort(
  lookup: TenantLookup,
  nowMs: () => number,
  { log, secrets, allowPrivateIssuers = false }: VerificationOptions,
): Authenticator {
  return createAuthenticator({
    lookup,
    nowMs,
    allowPrivate: allowPrivateIssuers,
    onFailure: ({ code, source }) => log.warn('keys of an issuer are out of reach', { code, source }),
    ...(secrets === undefined ? {} : { secrets }),
  });
}
