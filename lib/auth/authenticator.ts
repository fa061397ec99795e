import type { AuthError } from './errors.ts';
import type { Identity } from './permissions.ts';
import type { TenantLookup } from './tenant-config.ts';
import { verifyToken } from './verify.ts';

export interface AuthenticatorOptions {
  readonly lookup: TenantLookup;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** The broker's port over {@link verifyToken}. */
export function createAuthenticator({ lookup, nowMs }: AuthenticatorOptions): {
  verify(token: string, tenantHint: string | undefined): Promise<Identity | AuthError>;
} {
  return {
    verify: (token, tenantHint) =>
      verifyToken({ token, tenantHint, lookup, nowSeconds: Math.floor(nowMs() / 1_000) }),
  };
}
