import { type ClaimPath, isClaimPath } from './claim-path.ts';
import { isGrantFilter } from './claim-shapes.ts';
import { closedRecord, fail, list, record, text } from './config-checks.ts';
import { type IssuerKeys, parseIssuerKeys } from './issuer-keys.ts';

export const issuerLimits = {
  maxAudiences: 16,
  /** Characters of `iss`, of each audience, and of values of claims. */
  maxNameCharacters: 512,
  maxClockToleranceSeconds: 300,
  /** Claims that are required, and values of each that will do. */
  maxRequirements: 16,
  maxRoles: 64,
  /** Filters in one list of grants. */
  maxFilters: 64,
} as const;

/** Topic filters that may be published or subscribed to, with MQTT wildcards and placeholders such as `${sub}`. */
export interface Grants {
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
}

/** Where an issuer's tokens say what Wisp wants to know, if not in the claims that Wisp looks for by itself. */
export interface ClaimMapping {
  /** The client id that the token demands. A token without this claim is refused. */
  readonly clientId?: ClaimPath;
  /** What `${username}` stands for. Default: `username`. */
  readonly username?: ClaimPath;
  /** A list of topic filters, or one. Either of these takes the place of the claims `mqtt` and `acl`. */
  readonly publish?: ClaimPath;
  readonly subscribe?: ClaimPath;
  /** The tenant that the token is for. A token without this claim, or for another tenant, is refused. */
  readonly tenant?: ClaimPath;
  /** What the token narrows of the tenant's quotas. Default: `/mqtt/quotas`. */
  readonly quotas?: ClaimPath;
}

export type ClaimValue = string | boolean;

/** How the claims of an issuer's tokens are read; see docs/tokens.md. */
export interface IssuerClaims {
  readonly claimMapping?: ClaimMapping;
  /** Claims that a token must have, each with (one of) these values; a claim that is a list must contain one. */
  readonly requiredClaims?: Readonly<Record<ClaimPath, ClaimValue | readonly ClaimValue[]>>;
  /** Grants by role or group: `claim` is a list of names, and each name that is a member of `grants` adds those. */
  readonly roleGrants?: { readonly claim: ClaimPath; readonly grants: Readonly<Record<string, Grants>> };
  /** For tokens that bring no claim with grants and no role that has some. */
  readonly defaultGrants?: Grants;
}

/** Somebody who may mint tokens for a tenant. */
export interface IssuerConfig extends IssuerClaims {
  /** The `iss` that its tokens must carry. Absent: `iss` is not looked at. */
  readonly iss?: string;
  /** The `aud` of its tokens must contain (one of) these. Absent: `aud` is not looked at. */
  readonly audience?: string | readonly string[];
  readonly keys: IssuerKeys;
  /** Leeway for `exp` and `nbf`, 0 to 300. Default: 0. */
  readonly clockToleranceSeconds?: number;
}

/**
 * Checks an issuer and leaves out unknown members.
 * @throws TenantConfigError
 */
export function parseIssuer(value: unknown, at: string): IssuerConfig {
  const issuer = record(value, at);
  const { maxNameCharacters } = issuerLimits;
  const keys = parseIssuerKeys(issuer.keys, `${at}.keys`);
  const iss = optional(issuer.iss, (given) => text(given, `${at}.iss`, maxNameCharacters));
  // Providers sign for all their customers with the keys of one set: only `iss` tells these apart.
  if (keys.kind === 'jwks-url' && iss === undefined) fail(`${at}.iss: an issuer with a JWKS URL needs one`);
  return {
    ...member('iss', iss),
    ...member(
      'audience',
      optional(issuer.audience, (given) => parseAudience(given, `${at}.audience`)),
    ),
    keys,
    ...member(
      'clockToleranceSeconds',
      optional(issuer.clockToleranceSeconds, (given) => parseTolerance(given, `${at}.clockToleranceSeconds`)),
    ),
    ...member(
      'claimMapping',
      optional(issuer.claimMapping, (given) => parseMapping(given, `${at}.claimMapping`)),
    ),
    ...member(
      'requiredClaims',
      optional(issuer.requiredClaims, (given) => parseRequirements(given, `${at}.requiredClaims`)),
    ),
    ...member(
      'roleGrants',
      optional(issuer.roleGrants, (given) => parseRoleGrants(given, `${at}.roleGrants`)),
    ),
    ...member(
      'defaultGrants',
      optional(issuer.defaultGrants, (given) => parseGrants(given, `${at}.defaultGrants`)),
    ),
  };
}

function optional<Value>(given: unknown, parse: (given: unknown) => Value): Value | undefined {
  return given === undefined ? undefined : parse(given);
}

function member<Name extends string, Value>(name: Name, value: Value | undefined): { [N in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [N in Name]?: Value };
}

function parseAudience(value: unknown, at: string): string | string[] {
  const { maxAudiences, maxNameCharacters } = issuerLimits;
  if (!Array.isArray(value)) return text(value, at, maxNameCharacters);
  const audiences = list(value, at, maxAudiences);
  if (audiences.length === 0) fail(`${at}: an empty list admits nobody; leave it out or name one`);
  return audiences.map((name) => text(name, at, maxNameCharacters));
}

function parseTolerance(value: unknown, at: string): number {
  const { maxClockToleranceSeconds: max } = issuerLimits;
  return typeof value === 'number' && value >= 0 && value <= max ? value : fail(`${at}: 0 to ${max}`);
}

const mappedMembers = ['clientId', 'username', 'publish', 'subscribe', 'tenant', 'quotas'] as const;

function parseMapping(value: unknown, at: string): ClaimMapping {
  const mapping = closedRecord(value, at, mappedMembers);
  return Object.fromEntries(
    Object.entries(mapping).map(([name, path]) => [name, parsePath(path, `${at}.${name}`)]),
  );
}

function parsePath(value: unknown, at: string): ClaimPath {
  return isClaimPath(value)
    ? value
    : fail(`${at}: the name of a claim, or a JSON Pointer such as "/realm_access/roles"`);
}

function parseRequirements(value: unknown, at: string): NonNullable<IssuerClaims['requiredClaims']> {
  const { maxRequirements, maxNameCharacters } = issuerLimits;
  const entries = Object.entries(record(value, at));
  if (entries.length > maxRequirements) fail(`${at}: at most ${maxRequirements} claims`);
  const checked = (given: unknown): ClaimValue =>
    typeof given === 'boolean' ? given : text(given, at, maxNameCharacters);
  return Object.fromEntries(
    entries.map(([path, given]) => {
      parsePath(path, at);
      if (!Array.isArray(given)) return [path, checked(given)];
      if (given.length === 0) fail(`${at}: an empty list admits nobody`);
      return [path, list(given, at, maxRequirements).map(checked)];
    }),
  );
}

function parseRoleGrants(value: unknown, at: string): NonNullable<IssuerClaims['roleGrants']> {
  const { maxRoles, maxNameCharacters } = issuerLimits;
  const { claim, grants } = closedRecord(value, at, ['claim', 'grants']);
  const roles = Object.entries(record(grants, `${at}.grants`));
  if (roles.length > maxRoles) fail(`${at}.grants: at most ${maxRoles} roles`);
  return {
    claim: parsePath(claim, `${at}.claim`),
    grants: Object.fromEntries(
      roles.map(([role, given]) => [
        text(role, `${at}.grants`, maxNameCharacters),
        parseGrants(given, `${at}.grants`),
      ]),
    ),
  };
}

function parseGrants(value: unknown, at: string): Grants {
  const { publish, subscribe } = closedRecord(value, at, ['publish', 'subscribe']);
  const filters = (given: unknown, action: string): string[] =>
    list(given, `${at}.${action}`, issuerLimits.maxFilters).map((filter) =>
      isGrantFilter(filter) ? filter : fail(`${at}.${action}: topic filters, without "$share/name/"`),
    );
  return {
    ...member(
      'publish',
      optional(publish, (given) => filters(given, 'publish')),
    ),
    ...member(
      'subscribe',
      optional(subscribe, (given) => filters(given, 'subscribe')),
    ),
  };
}
