import type { AuthErrorCode } from './errors.ts';

/** The steps of verification. `status` is that of the tenant. */
export const verificationSteps = [
  'form',
  'tenant',
  'key',
  'signature',
  'claims',
  'status',
  'revocation',
] as const;
export type VerificationStep = (typeof verificationSteps)[number];

/** The step that refuses a token with this code. */
export const stepByCode: Readonly<Record<AuthErrorCode | 'token-revoked', VerificationStep>> = {
  'token-missing': 'form',
  'token-too-large': 'form',
  'token-malformed': 'form',
  'token-algorithm': 'form',
  'tenant-missing': 'tenant',
  'tenant-unknown': 'tenant',
  'token-key-unknown': 'key',
  'token-keys-unavailable': 'key',
  'token-signature': 'signature',
  'observer-not-verified': 'signature',
  'token-issuer': 'claims',
  'token-audience': 'claims',
  'token-expired': 'claims',
  'token-lifetime': 'claims',
  'token-not-yet-valid': 'claims',
  'token-tenant': 'claims',
  'token-claim': 'claims',
  'claims-malformed': 'claims',
  // Told only to holders of a verified token, so it comes after the signature.
  'tenant-suspended': 'status',
  'token-revoked': 'revocation',
};
