import { Buffer } from 'node:buffer';
import * as v from 'valibot';
import { type HttpReasonName, reasonMessage } from '../core/reasons.ts';
import type { KafkaTarget, Rule } from '../core/rules.ts';
import { boundedText, validate, wholeNumber } from '../core/validation.ts';
import { isTopicError, parseFilter } from '../topics/index.ts';
import { type TargetOptions, targetSchema } from './check-target.ts';
import { isTopicOfTenant } from './envelope.ts';
import { faultText } from './json-text.ts';
import { ruleLimits } from './limits.ts';
import { isMskBroker } from './msk-brokers.ts';
import { compilePattern } from './pattern/index.ts';
import { type CompiledTemplate, compileTemplate } from './template.ts';

export interface CheckRuleOptions extends TargetOptions {
  /** Name of the tenant: its `$SYS` topics may be selected. */
  readonly tenant: string;
  /** Name of the rule. */
  readonly name: string;
  readonly createdAtMs: number;
  /** Status of the rule unless the input names one. Default: `active`. */
  readonly status?: Rule['status'];
  /** `sub` of the token that creates the rule; absent: an operator does. */
  readonly owner?: string;
  /** Issuer of that token. */
  readonly ownerIssuer?: string;
}

/** A rule that is refused. */
export interface RuleRefusal {
  readonly code: HttpReasonName;
  /** Names the member and what is expected of it. */
  readonly detail: string;
}

const ruleName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export function isRuleName(name: string): boolean {
  return ruleName.test(name);
}

/** A rule as the admin API takes it. */
export function newRuleSchema(options: TargetOptions & Pick<CheckRuleOptions, 'status'>) {
  return v.strictObject({
    filter: v.string('a topic filter'),
    where: v.exactOptional(v.string('an event pattern as a text')),
    send: v.optional(
      v.variant(
        'form',
        [
          v.strictObject({ form: v.literal('envelope') }),
          v.strictObject({ form: v.literal('payload') }),
          v.strictObject({
            form: v.literal('template'),
            template: boundedText(ruleLimits.maxTemplateBytes),
          }),
        ],
        (issue) => (issue.path === undefined ? 'an object' : '"envelope", "payload" or "template"'),
      ),
      { form: 'envelope' } as const,
    ),
    target: targetSchema(options),
    status: v.optional(v.picklist(['active', 'paused'], '"active" or "paused"'), options.status ?? 'active'),
    retryHours: v.optional(wholeNumber(1, ruleLimits.maxRetryHours), ruleLimits.defaultRetryHours),
  });
}

/**
 * Checks a rule as the admin API takes it: the members of Rule without name, owner and time of
 * creation, which come from elsewhere. Fills in the defaults: the envelope is sent, to an active
 * rule's target, for 24 hours.
 */
export function checkRule(input: unknown, options: CheckRuleOptions): { readonly rule: Rule } | RuleRefusal {
  if (!isRuleName(options.name)) return { code: 'rule-name', detail: 'the name is not of this form' };
  const checked = validate(newRuleSchema(options), input);
  if ('flaw' in checked) return { code: 'body', detail: checked.flaw };
  const { name, createdAtMs, owner, ownerIssuer, tenant } = options;
  const rule: Rule = {
    name,
    ...checked.value,
    ...(owner === undefined ? {} : { owner }),
    ...(ownerIssuer === undefined ? {} : { ownerIssuer }),
    createdAtMs,
  };
  return (
    filterRefusal(rule.filter, tenant) ??
    whereRefusal(rule) ??
    sendRefusal(rule) ??
    targetRefusal(rule) ??
    sizeRefusal(rule) ?? { rule }
  );
}

function filterRefusal(filter: string, tenant: string): RuleRefusal | undefined {
  const parsed = parseFilter(filter);
  if (isTopicError(parsed)) return { code: 'rule-filter', detail: reasonMessage(parsed.code) };
  if (parsed.shareName !== undefined)
    return { code: 'rule-filter', detail: 'a rule takes every message: leave out $share/{name}/' };
  if (filter.startsWith('$') && !mayHoldOwnTopics(filter, tenant))
    return { code: 'rule-filter', detail: `of $ topics there are only those below $SYS/tenants/${tenant}` };
  return undefined;
}

/** Whether a filter that begins with `$` matches a topic of the tenant. */
function mayHoldOwnTopics(filter: string, tenant: string): boolean {
  const levels = filter.split('/');
  for (const [index, expected] of ['$SYS', 'tenants', tenant].entries()) {
    if (levels[index] === '#') return true;
    if (levels[index] !== expected && levels[index] !== '+') return false;
  }
  return levels.length > 3;
}

function whereRefusal({ where }: Rule): RuleRefusal | undefined {
  const compiled = where === undefined ? undefined : compilePattern(where);
  if (compiled === undefined || !('fault' in compiled)) return undefined;
  return { code: 'rule-pattern', detail: `where: ${faultText(compiled.fault)}` };
}

function sendRefusal({ send }: Rule): RuleRefusal | undefined {
  const compiled = send.form === 'template' ? compileTemplate(send.template) : undefined;
  if (compiled === undefined || !('fault' in compiled)) return undefined;
  return { code: 'rule-template', detail: `send.template: ${faultText(compiled.fault)}` };
}

function targetRefusal({ target }: Rule): RuleRefusal | undefined {
  if (target.kind === 'kafka') return brokerRefusal(target);
  if (target.kind !== 'republish') return undefined;
  const compiled = compileTemplate(target.topic, true);
  if ('fault' in compiled)
    return { code: 'rule-template', detail: `target.topic: ${faultText(compiled.fault)}` };
  if (!mayBeTopic(compiled.template))
    return {
      code: 'rule-template',
      detail: 'target.topic: expected a topic name that clients may publish to',
    };
  return undefined;
}

function brokerRefusal({ auth, brokers }: KafkaTarget): RuleRefusal | undefined {
  if (auth.method !== 'iam') return undefined;
  const { region } = auth;
  const index = brokers.findIndex((broker) => !isMskBroker(broker, region));
  if (index === -1) return undefined;
  return {
    code: 'rule-broker-not-msk',
    detail: `target.brokers[${index}]: expected a broker of Amazon MSK in ${region}`,
  };
}

/** Whether the parts of the topic that are written out can be in a topic of the tenant. */
function mayBeTopic(template: CompiledTemplate): boolean {
  if (template.kind !== 'text') return false;
  return isTopicOfTenant(template.parts.map((part) => (typeof part === 'string' ? part : 'x')).join(''));
}

function sizeRefusal(rule: Rule): RuleRefusal | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(rule));
  if (bytes <= ruleLimits.maxRuleBytes) return undefined;
  return { code: 'rule-too-large', detail: `${bytes} of at most ${ruleLimits.maxRuleBytes} bytes` };
}
