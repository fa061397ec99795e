import type { Context } from '../core/context.ts';
import type { RuleSecrets } from '../core/rule-secrets.ts';
import type { Rule } from '../core/rules.ts';
import type { StoredRule } from '../core/store-ports/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { deleteRule, laneOf, putRule } from '../delivery/rules.ts';
import { checkRule, isRuleName } from '../rules/check-rule.ts';
import { wakeRule } from '../rules/run/outage.ts';
import { Problem } from './problem.ts';

/** What the resources of rules need beside the broker. Only their functions have it. */
export interface RuleParts {
  readonly ruleSecrets: RuleSecrets;
  /** On the operator's own machine webhooks may use `http:`, and functions may be modules. */
  readonly localRuleTargets: boolean;
}

export interface RuleContext extends Context, RuleParts {}

/** @throws Problem `rules-off` where nothing would carry out a rule. */
export function rulesAreOn({ ruleQueue }: Context): void {
  if (ruleQueue === undefined) throw new Problem('rules-off');
}

/** @throws Problem `rule-unknown`, also for what cannot be the name of a rule. */
export async function existingRule(context: Context, tenant: TenantId, name: string): Promise<StoredRule> {
  const stored = isRuleName(name) ? await context.rules.read(tenant, name, true) : undefined;
  if (stored === undefined) throw new Problem('rule-unknown');
  return stored;
}

export interface RuleInput {
  readonly tenant: TenantId;
  readonly name: string;
  /** The JSON body of the request. */
  readonly body: unknown;
  /** The rule that is replaced. */
  readonly existing: StoredRule | undefined;
  /** The bearer; absent: an operator. */
  readonly bearer?: RuleOwner;
}

/** A user of a tenant: `sub` of the token, and its issuer. */
export interface RuleOwner {
  readonly owner: string;
  readonly ownerIssuer: string;
}

/**
 * The rule of a request. One that replaces another keeps its status, unless the request names one,
 * its owner and its time of creation.
 *
 * @throws Problem of the member that is wrong, or `rule-paused-by-operator`
 */
export function requestedRule(
  context: RuleContext,
  { tenant, name, body, existing, bearer }: RuleInput,
): Rule {
  // A rule stays that of its owner when an operator changes it, so that its bearer still can.
  const { owner, ownerIssuer } = bearer ?? existing?.rule ?? {};
  const checked = checkRule(body, {
    tenant,
    name,
    local: context.localRuleTargets,
    createdAtMs: existing?.rule.createdAtMs ?? context.clock.nowMs(),
    ...(existing === undefined ? {} : { status: existing.rule.status }),
    ...(owner === undefined ? {} : { owner }),
    ...(ownerIssuer === undefined ? {} : { ownerIssuer }),
  });
  if (!('rule' in checked)) throw new Problem(checked.code, { detail: checked.detail });
  const { rule } = checked;
  const wasPausedBy = existing?.rule.pausedBy;
  if (rule.status === 'active') {
    if (bearer !== undefined && wasPausedBy !== undefined) throw new Problem('rule-paused-by-operator');
    return rule;
  }
  const isPausedNow = existing?.rule.status !== 'paused';
  const byOperator = bearer === undefined && owner !== undefined && isPausedNow;
  return byOperator || wasPausedBy !== undefined ? { ...rule, pausedBy: 'operator' } : rule;
}

/**
 * Deletes a rule, what it has left behind, and then its secret: the name may be that of a rule of
 * somebody else since it was looked at. A crash leaves a secret of no rule, which a repetition, or
 * the deletion of the next rule of the name, deletes.
 *
 * @returns whether it existed and `mayDelete` it.
 */
export async function removeRuleAndSecret(
  context: RuleContext,
  tenant: TenantId,
  name: string,
  mayDelete?: (stored: StoredRule) => boolean,
): Promise<boolean> {
  const existed = await deleteRule(context, tenant, name, mayDelete);
  if ((await context.rules.read(tenant, name, true)) === undefined)
    await context.ruleSecrets.delete(tenant, name);
  return existed;
}

/**
 * Stores a rule.
 *
 * @param revision that is replaced; 0: there must be none.
 * @throws Problem of a bound, or `rule-changed`
 */
export async function storeRule(
  context: RuleContext,
  tenant: TenantId,
  rule: Rule,
  revision: number | undefined,
): Promise<{ readonly status: 200 | 201; readonly body: object }> {
  const stored = await putRule(context, tenant, rule, revision);
  if ('code' in stored) throw new Problem(stored.code);
  // Its target may be another one, which may take the records that wait.
  if (!stored.created) await wakeRule(context, { tenant, rule: rule.name }, laneOf(rule));
  return {
    status: stored.created ? 201 : 200,
    body: ruleJson({ rule, revision: stored.revision }),
  };
}

/** A rule in answers. It holds no secret, since rules hold none. */
export function ruleJson({ rule, revision }: Pick<StoredRule, 'rule' | 'revision'>): object {
  const { createdAtMs, ...members } = rule;
  return { ...members, createdAt: new Date(createdAtMs).toISOString(), revision };
}
