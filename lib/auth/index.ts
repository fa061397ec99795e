/** Tenants' tokens: verification, and what a verified token permits. */
export { type AuthenticatorOptions, createAuthenticator } from './authenticator.ts';
export { mayPublish, maySubscribe } from './decide.ts';
export { type AuthError, type AuthErrorCode, authErrorCodes, isAuthError } from './errors.ts';
export type { Identity, PermissionRule, Permissions } from './permissions.ts';
export { type ClientNames, resolvePermissions } from './resolve.ts';
export {
  type IssuerConfig,
  type IssuerKeys,
  parseTenantConfig,
  type TenantAdmin,
  type TenantConfig,
  TenantConfigError,
  type TenantLookup,
  type TenantStatus,
  type TenantSummary,
  tenantConfigFormatVersion,
} from './tenant-config.ts';
export { isTenantName, type TenantId, vouchedTenantId } from './tenant-id.ts';
export { maxTokenBytes, wispAudience, wispIssuer } from './token.ts';
export { type VerifyTokenOptions, verifyToken } from './verify.ts';
