import type { Context } from '../core/context.ts';
import type { TenantLive } from '../core/model.ts';
import { effectiveQuotas } from '../core/quotas.ts';
import type { HttpReasonName } from '../core/reasons.ts';
import type { Rule } from '../core/rules.ts';
import type { StoredRule } from '../core/store-ports/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { allRules } from '../limits/rules.ts';

/** A bound of the number of rules. */
export type RuleBound = Extract<
  HttpReasonName,
  'rules-full' | 'rules-of-owner-full' | 'rules-of-filter-full'
>;

/** Who has made a rule. A rule of an earlier release belongs to the `sub` of every issuer. */
export function hasOwner(rule: Rule, { owner, ownerIssuer }: Pick<Rule, 'owner' | 'ownerIssuer'>): boolean {
  return rule.owner === owner && (rule.ownerIssuer === undefined || rule.ownerIssuer === ownerIssuer);
}

/**
 * The bound that the other rules of the tenant have reached, so that `rule` has no room. Strongly
 * consistent.
 *
 * @param change.existing the rule that is replaced.
 */
export async function boundReached(
  context: Context,
  tenant: TenantId,
  change: {
    readonly rule: Rule;
    readonly existing: StoredRule | undefined;
    readonly live: TenantLive | undefined;
  },
): Promise<RuleBound | undefined> {
  const { rule, existing, live } = change;
  const { maxRulesPerFilter, maxOwnRulesPerFilter } = context.settings;
  const all = await allRules(context, tenant);
  const others = all.map((stored) => stored.rule).filter(({ name }) => name !== rule.name);
  if (existing === undefined) {
    const { rules, rulesPerOwner } = effectiveQuotas(context.settings, live?.quotas ?? {});
    if (others.length >= rules) return 'rules-full';
    if (rule.owner !== undefined && others.filter((other) => hasOwner(other, rule)).length >= rulesPerOwner)
      return 'rules-of-owner-full';
  }
  const sharing = others.filter(({ filter }) => filter === rule.filter);
  const owned = sharing.filter(({ owner }) => owner !== undefined);
  const isMoved = existing?.rule.filter !== rule.filter;
  const isFull =
    sharing.length >= maxRulesPerFilter ||
    (rule.owner !== undefined && isMoved && owned.length >= maxOwnRulesPerFilter);
  return isFull ? 'rules-of-filter-full' : undefined;
}
