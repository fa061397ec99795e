import type { PermissionRule } from '../core/permissions.ts';
import type { Flaw } from '../core/validation.ts';
import { claimAt } from './claim-path.ts';
import { isGrantFilter } from './grant-filter.ts';
import type { ClaimMapping, Grants, IssuerClaims } from './issuer-config.ts';

type Payload = { readonly [claim: string]: unknown };

/**
 * Rules from the claims that an issuer's configuration names: each is a topic filter or a list of
 * them.
 * @returns undefined where the token has none of these claims.
 */
export function mappedRules(
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

/** Rules of the roles that a token has; unknown role names are ignored. */
export function roleRules({ roleGrants }: IssuerClaims, payload: Payload): readonly PermissionRule[] {
  if (roleGrants === undefined) return [];
  const { claim, grants } = roleGrants;
  const names = new Set<unknown>([claimAt(payload, claim)].flat());
  return Object.entries(grants).flatMap(([name, granted]) => (names.has(name) ? rulesOf(granted) : []));
}

export function rulesOf({ publish = [], subscribe = [] }: Grants): readonly PermissionRule[] {
  return [
    ...publish.map((filter) => ({ effect: 'allow', action: 'publish', filter }) as const),
    ...subscribe.map((filter) => ({ effect: 'allow', action: 'subscribe', filter }) as const),
  ];
}
