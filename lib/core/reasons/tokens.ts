import type { Reason } from './reason.ts';

const notVerifiedHint =
  'Compare the token with "wisp issuer list". The client is told token-not-verified, so that it learns nothing of tenants.';

/** Why a token is not accepted, and the tenants that tokens name (docs/tokens.md). */
export const tokenReasons = {
  'token-missing': {
    reasonCode: 0x87,
    http: 401,
    message: 'a token is needed: a JWT as password, in the header Authorization (Bearer) or in ?token=',
    remedy: 'Send a JWT of the tenant; "wisp token" mints one for a tenant that "wisp tenant create" made.',
  },
  'token-too-large': {
    reasonCode: 0x86,
    http: 401,
    message: 'the token is larger than 8,192 bytes',
    remedy: 'Put fewer claims into the token, or give grants by role in the configuration of the issuer.',
  },
  'token-malformed': {
    reasonCode: 0x86,
    http: 401,
    message: 'the token is not a JWT in compact form',
    remedy: 'Send HEADER.PAYLOAD.SIGNATURE as the provider issued it, without "Bearer " in MQTT.',
  },
  'token-algorithm': {
    reasonCode: 0x86,
    http: 401,
    message: 'the algorithm of the token is none of ES256, RS256, EdDSA and HS256',
    remedy: 'Configure the provider to sign with one of these algorithms.',
  },
  'token-not-verified': {
    reasonCode: 0x86,
    http: 401,
    message:
      'the token could not be verified; is the user name (tenant) right, and the token one of that tenant?',
    remedy:
      'Check the tenant and the issuer of the token; "wisp token check" and the log of the service name the cause.',
  },
  'token-key-unknown': {
    reasonCode: 0x86,
    http: 401,
    message: 'the tenant has no key that fits the algorithm and key id of the token',
    remedy: notVerifiedHint,
  },
  'token-signature': {
    reasonCode: 0x86,
    http: 401,
    message: 'no key of the tenant verifies the signature of the token',
    remedy: notVerifiedHint,
  },
  'observer-not-verified': {
    reasonCode: 0x86,
    http: 401,
    message: 'the password is not that of an observer of this tenant',
    remedy:
      'Create an observer again: it ends at its time, or when the command that made it ends. The client is told token-not-verified.',
  },
  'token-keys-unavailable': {
    reasonCode: 0x86,
    http: 401,
    message: 'the keys that verify the token cannot be loaded at the moment',
    remedy:
      'Try again with back-off. The log names the source and the cause (keys-…, secret-…); the client is told token-not-verified.',
  },
  'token-issuer': {
    reasonCode: 0x87,
    http: 401,
    message: 'the claim "iss" of the token is not the one that this tenant expects',
    remedy: 'Compare "iss" with the configured issuer: "wisp issuer list".',
  },
  'token-audience': {
    reasonCode: 0x87,
    http: 401,
    message: 'the claim "aud" of the token is not one that this tenant expects',
    remedy: 'Request the token for the configured audience: "wisp issuer list".',
  },
  'token-expired': {
    reasonCode: 0x87,
    disconnectCode: 0xa0,
    http: 401,
    message: 'the token has expired',
    remedy: 'Get a new token and connect again; MQTT 5.0 clients can renew it with AUTH before "exp".',
  },
  'token-lifetime': {
    reasonCode: 0x87,
    http: 401,
    message: 'the token does not expire ("exp"), or lives longer than this tenant accepts',
    remedy: 'Issue tokens with an "exp" within maxTokenSeconds of the issuer: "wisp issuer list".',
  },
  'token-not-yet-valid': {
    reasonCode: 0x87,
    http: 401,
    message: 'the token is not valid yet ("nbf")',
    remedy: 'Wait, correct the clock of the provider, or set clockToleranceSeconds of the issuer.',
  },
  'token-tenant': {
    reasonCode: 0x87,
    http: 401,
    message: 'the token is for another tenant, or names none',
    remedy: 'Use a token whose claim for the tenant equals the user name.',
  },
  'token-claim': {
    reasonCode: 0x87,
    http: 401,
    message: 'the token lacks a claim that this tenant requires, or has it with another value',
    remedy: 'Compare the token with requiredClaims of the issuer: "wisp issuer list".',
  },
  'claims-malformed': {
    reasonCode: 0x87,
    http: 401,
    message: 'a claim of the token has a wrong form',
    remedy: 'Correct the claim that the message names (docs/tokens.md).',
  },
  'tenant-missing': {
    reasonCode: 0x86,
    http: 401,
    message: 'neither the user name nor the claims "tenant" and "iss" (wisp:NAME) name a tenant',
    remedy: 'Send the name of the tenant as user name (HTTP: ?tenant=), or as claim "tenant".',
  },
  'tenant-unknown': {
    reasonCode: 0x86,
    http: 404,
    message: 'there is no such tenant',
    remedy: 'Check the name: "wisp tenant list". A client is told token-not-verified instead.',
  },
  'tenant-suspended': {
    reasonCode: 0x87,
    http: 403,
    message: 'the tenant is suspended',
    remedy: 'The operator resumes it: "wisp tenant resume".',
  },
} as const satisfies Readonly<Record<string, Reason>>;

/** Why a sound token is of no use, and errors of enhanced authentication (AUTH). */
export const authenticationReasons = {
  'token-revoked': {
    reasonCode: 0x87,
    http: 401,
    message: 'the token has been revoked',
    remedy: 'Get a new token; tokens that are issued after the revocation are accepted.',
  },
  'token-of-another-client': {
    reasonCode: 0x87,
    v3: 'close',
    message: 'the token is for another tenant, client identifier or subject',
    remedy: 'Renew a connection with a token of the same tenant, subject and client identifier.',
  },
  'tenant-inactive': {
    reasonCode: 0x98,
    http: 403,
    message: 'the tenant is not active',
    remedy: 'The operator has suspended or deleted it: "wisp tenant show", "wisp tenant resume".',
  },
  'bad-authentication-method': {
    reasonCode: 0x8c,
    message: 'the authentication method is none of wisp-jwt, OAUTH2-JWT, CUSTOM-JWT',
    remedy: 'Name one of these methods, or send the token as password.',
  },
  'authentication-method-changed': {
    reasonCode: 0x82,
    message: 'AUTH must name the authentication method of CONNECT',
    remedy: 'Renew with AUTH only where CONNECT named a method, and name the same.',
  },
  'auth-unexpected': {
    reasonCode: 0x82,
    message: 'no authentication exchange is in progress',
    remedy: 'Renew a token with AUTH and reason code 0x19 (Re-authenticate).',
  },
} as const satisfies Readonly<Record<string, Reason>>;
