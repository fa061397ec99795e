import {
  createAuthenticator,
  type ObserverLookup,
  type SecretSource,
  type TenantLookup,
} from '../auth/index.ts';
import type { Authenticator, Log } from '../core/ports.ts';

export interface VerificationOptions {
  readonly log: Log;
  /**
   * Source of shared secrets that tenants refer to by ARN. Default: none; such issuers have no
   * keys.
   */
  readonly secrets?: SecretSource;
  /**
   * Allows issuers' keys over http and from private addresses, for local use. Default: false.
   */
  readonly allowPrivateIssuers?: boolean;
}

/**
 * Token verification over the tenants' rows and observers. A failed fetch of keys is logged with
 * its source.
 */
export function createAuthenticatorPort(
  { lookup, observers }: { readonly lookup: TenantLookup; readonly observers: ObserverLookup },
  nowMs: () => number,
  { log, secrets, allowPrivateIssuers = false }: VerificationOptions,
): Authenticator {
  return createAuthenticator({
    lookup,
    observers,
    nowMs,
    allowPrivate: allowPrivateIssuers,
    onFailure: ({ code, source }) => log.warn('keys of an issuer cannot be fetched', { code, source }),
    onUnknownKey: (unknown) => log.info('no key fits a token', { code: 'token-key-unknown', ...unknown }),
    ...(secrets === undefined ? {} : { secrets }),
  });
}
