/** Tenants' tokens: verification, and what a verified token permits. */

export type { Identity, PermissionRule, Permissions } from '../core/permissions.ts';
export { isTenantName, type TenantId, vouchedTenantId } from '../core/tenant-id.ts';
export { type AuthenticatorOptions, createAuthenticator } from './authenticator.ts';
export { changeTenant } from './change-tenant.ts';
export { mayPublish, maySubscribe } from './decide.ts';
export { type AuthError, type AuthErrorCode, isAuthError, isUnproved } from './errors.ts';
export { type FetchText, type HttpsGetOptions, httpsGet } from './https-get.ts';
export type {
  ClaimMapping,
  ClaimValue,
  Grants,
  IssuerClaims,
  IssuerConfig,
} from './issuer-config.ts';
export type { IssuerKeys } from './issuer-keys.ts';
export { KeyFetchError, type KeyFetchErrorCode } from './key-fetch-error.ts';
export {
  createKeySources,
  type KeySources,
  type KeySourcesOptions,
  type SecretSource,
} from './key-sources.ts';
export { type ClientNames, resolvePermissions } from './resolve.ts';
export {
  maxIssuers,
  newIssuerSchema,
  newTenantSchema,
  parseTenantConfig,
  readTenantConfig,
  type TenantAdmin,
  type TenantConfig,
  type TenantLookup,
  type TenantSummary,
  tenantConfigFormatVersion,
  type VersionedTenantConfig,
} from './tenant-config.ts';
export { TenantConfigError } from './tenant-config-error.ts';
export { maxTokenBytes, wispAudience, wispIssuer } from './token.ts';
export { type VerifyTokenOptions, verifyToken } from './verify.ts';
