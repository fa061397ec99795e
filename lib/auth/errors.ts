import { withDetail } from '../core/reasons/reason.ts';
import { tokenReasons } from '../core/reasons/tokens.ts';
import type { Refusal } from '../core/reasons.ts';

/**
 * Why a token is refused. `token-not-verified` is not among the codes: it is what strangers are
 * told.
 */
export type AuthErrorCode = Exclude<keyof typeof tokenReasons, 'token-not-verified'>;

export type AuthError = Refusal<AuthErrorCode>;

/**
 * Codes of tokens of which nothing is verified. The client gets one message for all of them,
 * because the code would tell whether a tenant exists and which keys it has. The log has the code.
 */
const unproved: ReadonlySet<string> = new Set([
  'tenant-unknown',
  'token-key-unknown',
  'token-keys-unavailable',
  'token-signature',
  'observer-not-verified',
] satisfies AuthErrorCode[]);

/** @param detail names claims only, never their values. */
export function authError(code: AuthErrorCode, detail?: string): AuthError {
  const { reasonCode } = tokenReasons[code];
  const told = unproved.has(code) ? 'token-not-verified' : code;
  return { code, reasonCode, message: withDetail(tokenReasons[told], detail) };
}

/**
 * Whether nothing has been proved: such a client is told neither code nor whether there is such a
 * tenant.
 */
export function isUnproved({ code }: { readonly code: string }): boolean {
  return unproved.has(code);
}

/** Whether `verifyToken` refused the token. */
export function isAuthError(value: object): value is AuthError {
  return 'code' in value && 'reasonCode' in value;
}
