import { maySubscribe, resolvePermissions } from '../auth/index.ts';
import type { Identity } from '../core/permissions.ts';
import type { Rule } from '../core/rules.ts';
import type { StoredRule } from '../core/store-ports/rules.ts';
import { hasOwner } from '../delivery/rule-bounds.ts';
import { isRuleName } from '../rules/check-rule.ts';
import { identify, standingTenant } from './bearer.ts';
import type { HttpRequest, HttpResponse } from './message.ts';
import { type Caller, notingProblems } from './noted-problems.ts';
import { Problem, withProblems } from './problem.ts';
import { jsonObject } from './read.ts';
import {
  existingRule,
  type RuleContext,
  type RuleOwner,
  removeRuleAndSecret,
  requestedRule,
  ruleJson,
  rulesAreOn,
  storeRule,
} from './rule-resource.ts';
import { endPreviousSecret, secretState, setSecret } from './rule-secret.ts';

export const ownRulesPrefix = '/rules';
/** For pages (CORS). */
export const ownRulesMethods = 'GET, PUT, DELETE';

/** The bearer of a token that allows rules of its own, and the rule that the path names. */
interface OwnCall {
  readonly context: RuleContext;
  readonly request: HttpRequest;
  readonly identity: Identity;
  /** The bearer, who owns the rules. */
  readonly bearer: RuleOwner;
  readonly name: string;
}

type OwnOperation = (call: OwnCall) => Promise<HttpResponse>;

const operations: Readonly<Record<string, Readonly<Record<string, OwnOperation>>>> = {
  '': { GET: show, PUT: put, DELETE: remove },
  secret: { PUT: putSecret },
  'secret/previous': { DELETE: endPrevious },
};

/**
 * Rules of a tenant's users, with a token whose claim `mqtt.rules` is true: `/rules/{rule}`,
 * `/rules/{rule}/secret`, `/rules/{rule}/secret/previous`. Their targets are webhooks, their
 * filters are within what the token may subscribe to, and they belong to its `sub`: other rules of
 * the tenant cannot be seen or changed.
 *
 * A rule outlives the token that made it. The operator sees its owner, pauses and removes it; what
 * the operator has paused the owner cannot resume or remove.
 */
export function serveOwnRules(context: RuleContext, request: HttpRequest): Promise<HttpResponse> {
  return withProblems(() => notingProblems(context, (caller) => serve(context, request, caller)));
}

async function serve(context: RuleContext, request: HttpRequest, caller: Caller): Promise<HttpResponse> {
  const [, prefix, name = '', ...rest] = request.path.split('/');
  const methods = operations[rest.join('/')];
  if (`/${prefix}` !== ownRulesPrefix || name === '' || methods === undefined) throw new Problem('not-found');
  const operation = methods[request.method];
  if (operation === undefined) {
    const allow = Object.keys(methods).join(', ');
    throw new Problem('method', { detail: `only ${allow}`, headers: { allow: `${allow}, OPTIONS` } });
  }
  const identity = await identify(context, request, caller);
  await standingTenant(context, identity, { consistent: true, clientId: identity.clientId });
  const { subject: owner, ownRules, issuer: ownerIssuer = '' } = identity;
  if (ownRules !== true || owner === undefined) throw new Problem('rules-not-granted');
  return operation({ context, request, identity, bearer: { owner, ownerIssuer }, name });
}

async function show(call: OwnCall): Promise<HttpResponse> {
  const { context, identity } = call;
  const stored = await ownRule(call);
  const secrets = await context.ruleSecrets.load(identity.tenant, stored.rule.name);
  return { status: 200, body: { ...ruleJson(stored), secret: secretState(secrets) } };
}

/**
 * Creates or replaces a rule. The row is written only in place of the one whose owner was checked.
 */
async function put(call: OwnCall): Promise<HttpResponse> {
  const { context, request, identity, bearer, name } = call;
  const { tenant } = identity;
  rulesAreOn(context);
  const existing = isRuleName(name) ? await context.rules.read(tenant, name, true) : undefined;
  if (existing !== undefined && !hasOwner(existing.rule, bearer)) throw new Problem('rule-name-taken');
  const rule = requestedRule(context, { tenant, name, body: jsonObject(request), existing, bearer });
  checkGranted(identity, rule);
  return storeRule(context, tenant, rule, existing?.revision ?? 0);
}

function checkGranted(identity: Identity, { filter, target }: Rule): void {
  if (target.kind !== 'webhook') throw new Problem('rule-target-not-granted');
  const permissions = resolvePermissions(identity);
  // A rule takes messages of every QoS.
  if (![0, 1, 2].every((qos) => maySubscribe(permissions, filter, qos)))
    throw new Problem('rule-filter-not-granted');
}

async function remove(call: OwnCall): Promise<HttpResponse> {
  const { context, identity, bearer, name } = call;
  if (!isRuleName(name)) throw new Problem('rule-unknown');
  const mayDelete = ({ rule }: StoredRule): boolean => {
    if (!hasOwner(rule, bearer)) return false;
    if (rule.pausedBy !== undefined) throw new Problem('rule-paused-by-operator');
    return true;
  };
  if (!(await removeRuleAndSecret(context, identity.tenant, name, mayDelete)))
    throw new Problem('rule-unknown');
  return { status: 204 };
}

async function putSecret(call: OwnCall): Promise<HttpResponse> {
  const { rule } = await ownRule(call);
  return setSecret(call.context, call.identity.tenant, rule, call.request);
}

async function endPrevious(call: OwnCall): Promise<HttpResponse> {
  const { rule } = await ownRule(call);
  return endPreviousSecret(call.context, call.identity.tenant, rule);
}

/** @throws Problem `rule-unknown` also for rules of others, so that their names stay unknown. */
async function ownRule({ context, identity, bearer, name }: OwnCall): Promise<StoredRule> {
  const stored = await existingRule(context, identity.tenant, name);
  if (!hasOwner(stored.rule, bearer)) throw new Problem('rule-unknown');
  return stored;
}
