import { decodeJwt, type JWTPayload } from 'jose';
import { missingClaim } from './claims.ts';
import { type AuthErrorCode, isAuthError } from './errors.ts';
import type { IssuerConfig } from './issuer-config.ts';
import type { TenantConfig } from './tenant-config.ts';
import { readUnverified } from './token.ts';
import { unknownKey } from './verify.ts';

/** A refused token, for the operator who looks at it. */
export interface Refused {
  readonly token: string;
  readonly code: AuthErrorCode;
  /** The tenant that was to verify it. */
  readonly tenant: string;
  readonly config: TenantConfig;
}

/** Longest value of a claim that is repeated. */
const shownCharacters = 128;

/**
 * What in a refused token does not fit, with the values of its claims: for the operator alone,
 * never for a client or a log. It decides nothing.
 *
 * @returns undefined where the code says everything
 */
export function refusalFacts({ token, code, tenant, config }: Refused): string | undefined {
  const unverified = readUnverified(token);
  if (isAuthError(unverified)) return undefined;
  const claims = decodeJwt(token);
  const issuers = config.issuers.filter(({ iss }) => iss === undefined || iss === unverified.issuer);
  switch (code) {
    case 'token-key-unknown':
    case 'token-signature': {
      const { cause, iss, kid, algorithm } = unknownKey(tenant, config, unverified);
      if (cause === 'iss-unknown') return `no issuer of the tenant has its "iss", which is ${shown(iss)}`;
      return code === 'token-signature'
        ? `its "iss" is known, but another key than the tenant's has signed it`
        : `its "iss" is known, but no key for ${algorithm} has its "kid", which is ${shown(kid)}`;
    }
    case 'token-issuer':
      return `"iss" is ${shown(claims.iss)}; expected: ${listed(config.issuers.map(({ iss }) => iss))}`;
    case 'token-audience':
      return `"aud" is ${shown(claims.aud)}; expected: ${listed(issuers.flatMap(({ audience }) => audience))}`;
    case 'token-expired':
      return `"exp" was ${timeOf(claims.exp)}`;
    case 'token-not-yet-valid':
      return `"nbf" is ${timeOf(claims.nbf)}`;
    case 'token-lifetime':
      return lifetimeFacts(issuers, claims);
    case 'token-tenant':
      return `the claim "tenant" is ${shown(claims.tenant)}, or the one that the issuer maps to it is another`;
    case 'token-claim':
      return `the claim is ${listed(issuers.map((issuer) => missingClaim(issuer, claims)))}`;
    default:
      return undefined;
  }
}

function lifetimeFacts(issuers: readonly IssuerConfig[], { exp, iat }: JWTPayload): string {
  const bounds = listed(issuers.map(({ maxTokenSeconds }) => maxTokenSeconds));
  if (exp === undefined) return `it has no "exp"; accepted are ${bounds} seconds`;
  const from = iat === undefined ? 'now ("iat" is absent)' : timeOf(iat);
  return `it lives from ${from} to ${timeOf(exp)}; accepted are ${bounds} seconds`;
}

function listed(values: readonly unknown[]): string {
  return [...new Set(values.filter((value) => value !== undefined))].map(shown).join(' or ');
}

function shown(value: unknown): string {
  const text = value === undefined ? 'absent' : JSON.stringify(value);
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}

/** Times beyond those of JavaScript are shown as they are. */
function timeOf(seconds: unknown): string {
  const date = typeof seconds === 'number' ? new Date(seconds * 1_000) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? shown(seconds) : date.toISOString();
}
