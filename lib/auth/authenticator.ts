import type { Identity } from '../core/permissions.ts';
import type { AuthError } from './errors.ts';
import { type HttpsGetOptions, httpsGet } from './https-get.ts';
import { createKeySources, type KeySourcesOptions } from './key-sources.ts';
import { type ObserverLookup, observerPasswordPrefix, verifyObserver } from './observer.ts';
import type { TenantLookup } from './tenant-config.ts';
import { type VerifyTokenOptions, verifyToken } from './verify.ts';

export interface AuthenticatorOptions
  extends Pick<KeySourcesOptions, 'secrets' | 'onFailure'>,
    Pick<VerifyTokenOptions, 'onUnknownKey'>,
    Pick<HttpsGetOptions, 'allowPrivate'> {
  readonly lookup: TenantLookup;
  readonly observers: ObserverLookup;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/**
 * The broker's port over {@link verifyToken}, which also takes passwords of observers. Create one
 * per process: it caches the keys that it fetches.
 */
export function createAuthenticator(options: AuthenticatorOptions): {
  verify(token: string, tenantHint: string | undefined): Promise<Identity | AuthError>;
} {
  const { lookup, observers, nowMs, onUnknownKey, allowPrivate = false } = options;
  const sources = createKeySources({ ...options, fetchText: httpsGet({ allowPrivate }) });
  return {
    verify: (token, tenantHint) =>
      token.startsWith(observerPasswordPrefix)
        ? verifyObserver(token, tenantHint, observers, nowMs())
        : verifyToken({
            token,
            tenantHint,
            lookup,
            sources,
            onUnknownKey,
            nowSeconds: Math.floor(nowMs() / 1_000),
          }),
  };
}
