import * as v from 'valibot';
import { concurrently } from '../core/concurrently.ts';
import { reasonMessage } from '../core/reasons.ts';
import type { Rule } from '../core/rules.ts';
import type { StoredRule } from '../core/store-ports/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { closedObject, wholeNumber } from '../core/validation.ts';
import { laneOf } from '../delivery/rules.ts';
import type { HttpResponse } from '../http/message.ts';
import { Problem } from '../http/problem.ts';
import { checkedParameters, jsonObject, literalParameters } from '../http/read.ts';
import {
  existingRule,
  removeRuleAndSecret,
  requestedRule,
  ruleJson,
  rulesAreOn,
  storeRule,
} from '../http/rule-resource.ts';
import { needsSecret, secretState } from '../http/rule-secret.ts';
import { isRuleName } from '../rules/check-rule.ts';
import { countWaitingRecords, maxCountedWaiting } from '../rules/run/failures.ts';
import { wakeRule } from '../rules/run/outage.ts';
import type { AdminContext } from './context.ts';
import { pageLimit, pageStart, pageToken } from './paging.ts';
import { type AdminCall, type AdminOperation, existingTenant, tenantOf } from './request.ts';
import { isoTime, notDeleting } from './tenant-config.ts';

/** Rules by name. */
export const listRules: AdminOperation = async (call) => {
  const { context, request } = call;
  rulesAreOn(context);
  const tenant = await existingTenant(call);
  const [after] = pageStart(request.query, 1) ?? [];
  const { rules, more } = await context.rules.list(tenant, after, pageLimit(request.query));
  const last = rules.at(-1);
  return {
    status: 200,
    body: {
      rules: await described(context, tenant, rules),
      ...(more && last !== undefined ? { next: pageToken(last.rule.name) } : {}),
    },
  };
};

/** A rule with its secret's age, and with how many records wait or were given up. */
export const showRule: AdminOperation = async (call) => {
  const { tenant, stored } = await namedRule(call);
  return { status: 200, body: await ruleDetails(call.context, tenant, stored) };
};

/** Failures that are counted: each is read as a whole. */
const countedFailures = 100;

/** How often a rule is read again that others change meanwhile. */
const storeRounds = 3;

const revisionSchema = closedObject({ revision: v.exactOptional(wholeNumber(0)) });

/**
 * Creates or replaces a rule. `?revision=` is the one that is replaced, 0 for none; without it
 * whatever is stored is replaced.
 */
export const storeRuleAsOperator: AdminOperation = async (call) => {
  const { context, request } = call;
  const { revision } = checkedParameters(revisionSchema, literalParameters(request.query, ['revision']));
  const tenant = tenantOf(call);
  const config = await context.tenantAdmin.show(tenant);
  if (config === undefined) throw new Problem('tenant-unknown');
  notDeleting(config);
  rulesAreOn(context);
  const name = call.path.rule ?? '';
  const body = jsonObject(request);
  for (let round = 1; ; round += 1) {
    const existing = isRuleName(name) ? await context.rules.read(tenant, name, true) : undefined;
    const rule = requestedRule(context, { tenant, name, body, existing });
    try {
      // Never in place of another one than was read: it may have another owner.
      return await storeRule(context, tenant, rule, revision ?? existing?.revision ?? 0);
    } catch (error) {
      const isChanged = error instanceof Problem && error.code === 'rule-changed';
      if (!isChanged || revision !== undefined || round === storeRounds) throw error;
    }
  }
};

/** Deletes a rule, its secret, its records that wait and its failures. */
export const removeRule: AdminOperation = async (call) => {
  const { context } = call;
  rulesAreOn(context);
  const tenant = await existingTenant(call);
  const name = call.path.rule ?? '';
  if (!isRuleName(name)) throw new Problem('rule-unknown');
  if (!(await removeRuleAndSecret(context, tenant, name))) throw new Problem('rule-unknown');
  return { status: 204 };
};

export const pauseStoredRule: AdminOperation = (call) => changeStatus(call, 'paused');

export const resumeStoredRule: AdminOperation = (call) => changeStatus(call, 'active');

async function changeStatus(call: AdminCall, status: Rule['status']): Promise<HttpResponse> {
  const { tenant, stored } = await namedRule(call);
  const by = stored.rule.owner === undefined ? undefined : 'operator';
  await call.context.rules.setStatus(tenant, stored.rule.name, status, by);
  if (status === 'active')
    await wakeRule(call.context, { tenant, rule: stored.rule.name }, laneOf(stored.rule));
  const changed = await existingRule(call.context, tenant, stored.rule.name);
  return { status: 200, body: await describedRule(call.context, tenant, changed) };
}

/** The rule that the path names. */
export async function namedRule(
  call: AdminCall,
): Promise<{ readonly tenant: TenantId; readonly stored: StoredRule }> {
  rulesAreOn(call.context);
  const tenant = await existingTenant(call);
  return { tenant, stored: await existingRule(call.context, tenant, call.path.rule ?? '') };
}

/** Circuits that are read at a time. */
const readAtOnce = 20;

/** Rules with their circuits, in the same order. */
async function described(
  context: AdminContext,
  tenant: TenantId,
  rules: readonly StoredRule[],
): Promise<readonly object[]> {
  const found: object[] = [];
  await concurrently(rules.entries(), readAtOnce, async ([index, stored]) => {
    found[index] = await describedRule(context, tenant, stored);
  });
  return found;
}

async function describedRule(context: AdminContext, tenant: TenantId, stored: StoredRule): Promise<object> {
  const { failures, outage, lastFailure } = await context.ruleRecords.circuit({
    tenant,
    rule: stored.rule.name,
  });
  return {
    ...ruleJson(stored),
    circuit: {
      failures,
      ...(outage === undefined ? {} : { openUntil: isoTime(outage.nextTryAtMs) }),
    },
    ...(lastFailure === undefined
      ? {}
      : {
          lastFailure: {
            code: lastFailure.code,
            message: reasonMessage(lastFailure.code),
            at: isoTime(lastFailure.atMs),
          },
        }),
  };
}

async function ruleDetails(context: AdminContext, tenant: TenantId, stored: StoredRule): Promise<object> {
  const { rule } = stored;
  const key = { tenant, rule: rule.name };
  const [described, secrets, waiting, failures] = await Promise.all([
    describedRule(context, tenant, stored),
    needsSecret(rule) ? context.ruleSecrets.load(tenant, rule.name) : undefined,
    countWaitingRecords(context, key),
    context.ruleRecords.failures(key, countedFailures),
  ]);
  return {
    ...described,
    ...(secrets === undefined ? {} : { secret: secretState(secrets) }),
    waiting: { count: waiting, more: waiting >= maxCountedWaiting },
    failures: { count: failures.length, more: failures.length >= countedFailures },
  };
}
