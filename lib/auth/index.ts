/** Tenants' tokens: verification, and what a verified token permits. */

export type { Identity, PermissionRule, Permissions } from '../core/permissions.ts';
export { isTenantName, type TenantId, vouchedTenantId } from '../core/tenant-id.ts';
export { createAuthenticator } from './authenticator.ts';
export { changeTenant } from './change-tenant.ts';
export { mayPublish, maySubscribe } from './decide.ts';
export { type AuthError, type AuthErrorCode, isAuthError, isUnproved } from './errors.ts';
export { type FetchText, httpsGet } from './https-get.ts';
export type { IssuerConfig } from './issuer-config.ts';
export { type KeySet, parseJwks, readJwks } from './jwks.ts';
export { KeyFetchError } from './key-fetch-error.ts';
export {
  createKeySources,
  type KeySourcesOptions,
  type SecretSource,
} from './key-sources.ts';
export {
  newObserverPassword,
  type ObserverLookup,
  observerPasswordHash,
} from './observer.ts';
export { algorithmsByKeyType } from './public-jwk.ts';
export { refusalFacts } from './refusal-facts.ts';
export { resolvePermissions } from './resolve.ts';
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
} from './tenant-config.ts';
export { TenantConfigError } from './tenant-config-error.ts';
export { maxTokenBytes, wispAudience, wispIssuer } from './token.ts';
export { stepByCode, verificationSteps } from './verification-step.ts';
export { verifyToken } from './verify.ts';
