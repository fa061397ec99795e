/**
 * One answer for everything that a stranger could learn about a tenant from: whether it exists, and which keys it
 * has. `code` tells the operator's log which it was.
 */
const notVerified = {
  reasonCode: 0x86,
  message:
    'the token could not be verified; is the user name (tenant) right, and the token one of that tenant?',
} as const;

/**
 * Why a token is refused. `reasonCode` is that of CONNACK in MQTT 5.0, section 3.2.2.2: 0x86 Bad User Name or
 * Password (3.1.1: return code 4) where nothing has been verified, 0x87 Not authorized (3.1.1: 5) where the
 * signature was good. Messages may be sent to the client; they hold nothing of the token.
 */
const catalogue = {
  'token-missing': { reasonCode: 0x86, message: 'a token is needed: a JWT as password, header or ?token=' },
  'token-too-large': { reasonCode: 0x86, message: 'the token is larger than 8 KB' },
  'token-malformed': { reasonCode: 0x86, message: 'the token is not a JWT in compact form' },
  'token-algorithm': {
    reasonCode: 0x86,
    message: 'the algorithm of the token is none of ES256, RS256, EdDSA and HS256',
  },
  'tenant-missing': {
    reasonCode: 0x86,
    message: 'neither the user name nor the claims "tenant" and "iss" (wisp:NAME) name a tenant',
  },
  'tenant-unknown': notVerified,
  'token-key-unknown': notVerified,
  'token-signature': notVerified,
  /** Transient, and worth a retry: 0x88 Server unavailable (3.1.1: 3). */
  'token-keys-unavailable': {
    reasonCode: 0x88,
    message: 'the keys that verify the token are out of reach at the moment; try again in some seconds',
  },
  'token-issuer': { reasonCode: 0x87, message: 'the token has another "iss" than this tenant expects' },
  'token-audience': { reasonCode: 0x87, message: 'the token has another "aud" than this tenant expects' },
  'token-expired': { reasonCode: 0x87, message: 'the token has expired' },
  'token-not-yet-valid': { reasonCode: 0x87, message: 'the token is not valid yet ("nbf")' },
  'token-tenant': { reasonCode: 0x87, message: 'the token is for another tenant, or names none' },
  'token-claim': {
    reasonCode: 0x87,
    message: 'the token lacks a claim that this tenant demands, or has it with another value',
  },
  'tenant-suspended': { reasonCode: 0x87, message: 'the tenant is suspended' },
  'claims-malformed': { reasonCode: 0x87, message: 'a claim of the token has a wrong form' },
} as const;

export type AuthErrorCode = keyof typeof catalogue;
export const authErrorCodes = Object.keys(catalogue) as AuthErrorCode[];

/** A refusal, as a value. */
export interface AuthError {
  readonly code: AuthErrorCode;
  readonly message: string;
  readonly reasonCode: 0x86 | 0x87 | 0x88;
}

/** @param detail follows the catalogue's message; it must name claims only, never repeat their values. */
export function authError(code: AuthErrorCode, detail?: string): AuthError {
  const { reasonCode, message } = catalogue[code];
  return { code, reasonCode, message: detail === undefined ? message : `${message}: ${detail}` };
}

/** Whether nothing has been proved: such a client is told neither code nor whether there is such a tenant. */
export function isUnproved({ message }: Pick<AuthError, 'message'>): boolean {
  return message === notVerified.message;
}

/** Tells the two answers of `verifyToken` apart. */
export function isAuthError(value: object): value is AuthError {
  return 'code' in value && 'reasonCode' in value;
}
