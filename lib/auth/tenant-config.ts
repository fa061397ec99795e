import { parseQuotas, type TenantQuotas } from '../broker/quotas.ts';
import type { PublicJwk } from './public-jwk.ts';
import { parsePublicJwk } from './public-jwk.ts';

/** Version of the form in which a tenant's configuration is stored; raised when an older release could misread it. */
export const tenantConfigFormatVersion = 1;

/** Upper bounds of a configuration; the stored row stays far below DynamoDB's 400 KB. */
export const tenantConfigLimits = {
  maxIssuers: 16,
  maxKeysPerIssuer: 16,
  maxAudiences: 16,
  /** Characters of `iss` and of each audience. */
  maxNameCharacters: 512,
  maxClockToleranceSeconds: 300,
  /** HS256 wants a key no shorter than its hash (RFC 7518 section 3.2). */
  minSecretBytes: 32,
  maxSecretBytes: 512,
} as const;

/**
 * Where the keys of an issuer are. `inline`: public JWKs (EC P-256 → ES256, RSA of 2,048 bits and more → RS256,
 * OKP Ed25519 → EdDSA). `secret`: shared secret for HS256, base64url without padding, 32 to 512 bytes.
 * The union grows by a JWKS URL and by a reference to a secret kept elsewhere.
 */
export type IssuerKeys =
  | { readonly kind: 'inline'; readonly keys: readonly PublicJwk[] }
  | { readonly kind: 'secret'; readonly secret: string };

/** Somebody who may mint tokens for a tenant. */
export interface IssuerConfig {
  /** The `iss` that its tokens must carry. Absent: `iss` is not looked at. */
  readonly iss?: string;
  /** The `aud` of its tokens must contain (one of) these. Absent: `aud` is not looked at. */
  readonly audience?: string | readonly string[];
  readonly keys: IssuerKeys;
  /** Leeway for `exp` and `nbf`, 0 to 300. Default: 0. */
  readonly clockToleranceSeconds?: number;
}

export type TenantStatus = 'active' | 'suspended';

/** A tenant as its operator sees it: part `meta` of its row in table Tenants. Plain JSON. */
export interface TenantConfig {
  readonly formatVersion: typeof tenantConfigFormatVersion;
  readonly status: TenantStatus;
  readonly issuers: readonly IssuerConfig[];
  /** Absent: no bounds but the service's own. */
  readonly quotas?: TenantQuotas;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
}

/** What token verification asks of the store. */
export interface TenantLookup {
  /**
   * The configuration of the tenant of that name, or undefined. `name` comes from outside, unverified, but has the
   * shape of a tenant name. May be some seconds old.
   */
  load(name: string): Promise<TenantConfig | undefined>;
}

export interface TenantSummary {
  readonly name: string;
  readonly status: TenantStatus;
  readonly createdAtMs: number;
}

/** What operators' tools ask of the store. Not on any message path: it may scan. */
export interface TenantAdmin {
  /** Writes the tenant's `meta` and live rows. @returns false, changing nothing, when the tenant exists. */
  create(name: string, config: TenantConfig): Promise<boolean>;
  /** All tenants, sorted by name. */
  list(): Promise<TenantSummary[]>;
  /** Strongly consistent. */
  show(name: string): Promise<TenantConfig | undefined>;
  /** Deletes the tenant's rows in table Tenants: nobody can connect any more. @returns whether it existed. */
  delete(name: string): Promise<boolean>;
}

/** A configuration that Wisp will not store or use; the message names the member, never its value. */
export class TenantConfigError extends Error {
  readonly code = 'tenant-config';
  override readonly name = 'TenantConfigError';
}

/**
 * Checks a configuration, given by an operator or read back from the store, and leaves out unknown members.
 * @throws TenantConfigError
 */
export function parseTenantConfig(value: unknown): TenantConfig {
  const config = record(value, 'tenant configuration');
  if (config.formatVersion !== tenantConfigFormatVersion) {
    fail(`formatVersion: this release of Wisp knows ${tenantConfigFormatVersion} only`);
  }
  if (config.status !== 'active' && config.status !== 'suspended') fail('status: "active" or "suspended"');
  if (!Number.isSafeInteger(config.createdAtMs)) fail('createdAtMs: milliseconds since 1970');
  const quotas = parseQuotas(config.quotas);
  if ('flaw' in quotas) return fail(quotas.flaw);
  const issuers = list(config.issuers, 'issuers', tenantConfigLimits.maxIssuers);
  return {
    formatVersion: tenantConfigFormatVersion,
    status: config.status as TenantStatus,
    issuers: issuers.map((issuer, index) => parseIssuer(issuer, `issuers[${index}]`)),
    createdAtMs: config.createdAtMs as number,
    ...(config.quotas === undefined ? {} : { quotas }),
  };
}

function parseIssuer(value: unknown, at: string): IssuerConfig {
  const issuer = record(value, at);
  const { iss, audience, clockToleranceSeconds: tolerance } = issuer;
  if (iss !== undefined) text(iss, `${at}.iss`);
  if (Array.isArray(audience)) {
    const audiences = list(audience, `${at}.audience`, tenantConfigLimits.maxAudiences);
    if (audiences.length === 0) fail(`${at}.audience: an empty list admits nobody; leave it out or name one`);
    for (const name of audiences) text(name, `${at}.audience`);
  } else if (audience !== undefined) {
    text(audience, `${at}.audience`);
  }
  if (tolerance !== undefined) {
    const { maxClockToleranceSeconds: max } = tenantConfigLimits;
    const valid = typeof tolerance === 'number' && tolerance >= 0 && tolerance <= max;
    if (!valid) fail(`${at}.clockToleranceSeconds: 0 to ${max}`);
  }
  return {
    ...(iss === undefined ? {} : { iss: iss as string }),
    ...(audience === undefined ? {} : { audience: audience as string | string[] }),
    keys: parseKeys(issuer.keys, `${at}.keys`),
    ...(tolerance === undefined ? {} : { clockToleranceSeconds: tolerance as number }),
  };
}

function parseKeys(value: unknown, at: string): IssuerKeys {
  const keys = record(value, at);
  if (keys.kind === 'inline') {
    const jwks = list(keys.keys, `${at}.keys`, tenantConfigLimits.maxKeysPerIssuer);
    if (jwks.length === 0) fail(`${at}.keys: at least one key`);
    return {
      kind: 'inline',
      keys: jwks.map((jwk, index) => {
        const parsed = parsePublicJwk(jwk);
        return 'flaw' in parsed ? fail(`${at}.keys[${index}]: ${parsed.flaw}`) : parsed.jwk;
      }),
    };
  }
  if (keys.kind === 'secret') {
    const { minSecretBytes, maxSecretBytes } = tenantConfigLimits;
    const { secret } = keys;
    if (typeof secret !== 'string' || !/^[A-Za-z0-9_-]+$/.test(secret)) {
      return fail(`${at}.secret: base64url without padding`);
    }
    const bytes = Math.floor((secret.length * 3) / 4);
    if (bytes < minSecretBytes) fail(`${at}.secret: at least ${minSecretBytes} bytes (256 bits)`);
    if (bytes > maxSecretBytes) fail(`${at}.secret: at most ${maxSecretBytes} bytes`);
    return { kind: 'secret', secret };
  }
  return fail(`${at}.kind: "inline" or "secret"`);
}

function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(`${at}: an object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, at: string, max: number): unknown[] {
  if (!Array.isArray(value) || value.length > max) return fail(`${at}: a list of at most ${max}`);
  return value;
}

function text(value: unknown, at: string): void {
  const { maxNameCharacters: max } = tenantConfigLimits;
  if (typeof value !== 'string' || value.length === 0 || value.length > max) {
    fail(`${at}: a text of 1 to ${max} characters`);
  }
}

function fail(message: string): never {
  throw new TenantConfigError(message);
}
