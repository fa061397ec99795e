import type { Identity, PermissionRule } from '../core/permissions.ts';
import { clientQuotasSchema } from '../core/quotas.ts';
import { type Flaw, isObject, validate } from '../core/validation.ts';
import { claimAt, isGrantFilter } from './claim-path.ts';
import { rulesFromAcl } from './emqx-acl.ts';
import type { ClaimMapping, ClaimValue, Grants, IssuerClaims, IssuerConfig } from './issuer-config.ts';

type Claims = Omit<Identity, 'tenant'>;
type Payload = { readonly [claim: string]: unknown };
/** `grants` is undefined where the token has no claim that could hold any. */
type Granted = Pick<Claims, 'clientId' | 'ownRules'> & {
  readonly grants: readonly PermissionRule[] | undefined;
};

/** Year 9999: JavaScript's dates, DynamoDB and timers cannot hold later times. */
const maxTimeSeconds = 253_402_300_799;
/** Limit of `sub`, `username` and a required client id; each may become part of a topic. */
const maxTextCharacters = 1_024;

/**
 * Reads the claims that Wisp uses of a verified token, as the issuer's configuration says. A claim
 * of a wrong form, null included, refuses the whole token: a part of a list of rules would be
 * another list, and a token whose `jti` is ignored could not be revoked. A token without grants is
 * valid and permits nothing.
 */
export function readClaims(
  payload: Payload,
  issuer: IssuerClaims & Pick<IssuerConfig, 'iss'> = {},
): Claims | Flaw {
  const { exp, sub, jti, iat } = payload;
  if (typeof exp === 'number' && !(exp <= maxTimeSeconds)) return { flaw: '"exp" is not a time' };
  if (sub !== undefined && !isText(sub)) return { flaw: '"sub" is not a text' };
  if (jti !== undefined && !isText(jti)) return { flaw: '"jti" is not a text' };
  const granted = grantedBy(payload, issuer);
  if ('flaw' in granted) return granted;
  const clientId = clientIdOf(payload, issuer, granted);
  if (typeof clientId === 'object') return clientId;

  const narrowing = claimAt(payload, issuer.claimMapping?.quotas ?? '/mqtt/quotas');
  const quotas = narrowing === undefined ? undefined : validate(clientQuotasSchema, narrowing, 'quotas');
  if (quotas !== undefined && 'flaw' in quotas) return quotas;
  const username = claimAt(payload, issuer.claimMapping?.username ?? 'username');
  if (username !== undefined && !isText(username))
    return { flaw: 'the claim for the user name is not a text' };
  const roles = roleRules(issuer, payload);
  if ('flaw' in roles) return roles;
  const grants =
    granted.grants === undefined && roles.length === 0
      ? rulesOf(issuer.defaultGrants ?? {})
      : [...(granted.grants ?? []), ...roles];
  return {
    ...(sub === undefined ? {} : { subject: sub }),
    ...(username === undefined ? {} : { username }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(typeof exp === 'number' ? { expiresAtSeconds: Math.floor(exp) } : {}),
    ...(jti === undefined ? {} : { tokenId: jti }),
    ...(typeof iat === 'number' && iat >= 0 ? { issuedAtSeconds: Math.floor(iat) } : {}),
    ...(quotas === undefined ? {} : { quotas: quotas.value }),
    ...(granted.ownRules === true ? { ownRules: true, issuer: issuer.iss ?? '' } : {}),
    grants,
  };
}

/**
 * Claims that the issuer's configuration names replace all others; next is the native claim, then
 * EMQX's.
 */
function grantedBy(payload: Payload, { claimMapping = {} }: IssuerClaims): Granted | Flaw {
  const { mqtt, acl } = payload;
  if (claimMapping.publish !== undefined || claimMapping.subscribe !== undefined) {
    const rules = mappedRules(claimMapping, payload);
    return rules !== undefined && 'flaw' in rules ? rules : { grants: rules };
  }
  if (mqtt !== undefined) return fromNativeClaim(mqtt);
  if (acl === undefined) return { grants: undefined };
  const rules = rulesFromAcl(acl);
  return 'flaw' in rules ? rules : { grants: rules };
}

/**
 * If the configuration names a claim for the client id, a token without it is refused, because it
 * could be any client.
 */
function clientIdOf(
  payload: Payload,
  { claimMapping }: IssuerClaims,
  granted: Granted,
): string | undefined | Flaw {
  if (claimMapping?.clientId === undefined) return granted.clientId;
  const clientId = claimAt(payload, claimMapping.clientId);
  return isText(clientId) ? clientId : { flaw: 'the claim for the client id is absent or not a text' };
}

const nativeMembers = new Set(['clientId', 'publish', 'subscribe', 'quotas', 'rules']);

/**
 * Claim `mqtt`: `{ clientId?, publish?: [...], subscribe?: [...], quotas?: {...}, rules?: boolean
 * }`, filters with MQTT wildcards and placeholders. Unknown members are refused: a member such as
 * `deny` must not be ignored.
 */
function fromNativeClaim(claim: unknown): Granted | Flaw {
  if (!isObject(claim)) return { flaw: '"mqtt" is not an object' };
  if (!Object.keys(claim).every((member) => nativeMembers.has(member))) {
    return { flaw: '"mqtt" has members besides "clientId", "publish", "subscribe", "quotas" and "rules"' };
  }
  const { clientId, rules = false } = claim;
  if (clientId !== undefined && !isText(clientId)) return { flaw: '"mqtt.clientId" is not a text' };
  if (typeof rules !== 'boolean') return { flaw: '"mqtt.rules" is not true or false' };
  const grants: PermissionRule[] = [];
  for (const action of ['publish', 'subscribe'] as const) {
    const filters = claim[action] ?? [];
    if (!Array.isArray(filters)) return { flaw: `"mqtt.${action}" is not a list` };
    for (const filter of filters) {
      if (!isGrantFilter(filter)) return { flaw: `"mqtt.${action}" holds something else than topic filters` };
      grants.push({ effect: 'allow', action, filter });
    }
  }
  return {
    grants,
    ...(clientId === undefined ? {} : { clientId }),
    ...(rules ? { ownRules: true } : {}),
  };
}

/**
 * MQTT's strings hold neither U+0000 nor lone surrogates, and DynamoDB would store the latter as
 * another text.
 */
const unfit = /[\0\p{Surrogate}]/u;

function isText(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length > 0 && value.length <= maxTextCharacters && !unfit.test(value)
  );
}

/**
 * Rules from the claims that an issuer's configuration names: each is a topic filter or a list of
 * them.
 * @returns undefined where the token has none of these claims.
 */
function mappedRules(
  { publish, subscribe }: ClaimMapping,
  payload: Payload,
): readonly PermissionRule[] | Flaw | undefined {
  const rules: PermissionRule[] = [];
  let present = false;
  for (const [action, path] of [
    ['publish', publish],
    ['subscribe', subscribe],
  ] as const) {
    const value = path === undefined ? undefined : claimAt(payload, path);
    if (value === undefined) continue;
    present = true;
    for (const filter of [value].flat()) {
      if (!isGrantFilter(filter)) {
        return { flaw: `the claim for "${action}" holds something else than topic filters` };
      }
      rules.push({ effect: 'allow', action, filter });
    }
  }
  return present ? rules : undefined;
}

/** Rules of the roles that a token has: a text or a list of them. Unknown names are ignored. */
function roleRules({ roleGrants }: IssuerClaims, payload: Payload): readonly PermissionRule[] | Flaw {
  if (roleGrants === undefined) return [];
  const { claim, grants } = roleGrants;
  const value = claimAt(payload, claim);
  const listed: unknown[] = value === undefined ? [] : [value].flat();
  if (!listed.every((name) => typeof name === 'string'))
    return { flaw: 'the claim for the roles holds something else than texts' };
  const names = new Set(listed);
  return Object.entries(grants).flatMap(([name, granted]) => (names.has(name) ? rulesOf(granted) : []));
}

function rulesOf({ publish = [], subscribe = [] }: Grants): readonly PermissionRule[] {
  return [
    ...publish.map((filter) => ({ effect: 'allow', action: 'publish', filter }) as const),
    ...subscribe.map((filter) => ({ effect: 'allow', action: 'subscribe', filter }) as const),
  ];
}

/**
 * The first required claim that a token lacks or has with another value; undefined if it has all.
 */
export function missingClaim(
  { requiredClaims = {} }: IssuerClaims,
  payload: { readonly [claim: string]: unknown },
): string | undefined {
  return Object.entries(requiredClaims).find(([path, wanted]) => {
    const accepted: readonly unknown[] = [wanted].flat() satisfies ClaimValue[];
    const values: unknown[] = [claimAt(payload, path)].flat();
    return !values.some((value) => accepted.includes(value));
  })?.[0];
}
