import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Message } from '../core/model.ts';
import type { MatchedRule, RuleRecord } from '../core/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { noteRefusal } from '../limits/refusals.ts';
import { ruleEventOf } from '../rules/event.ts';
import { ruleLimits } from '../rules/limits.ts';
import { selects } from '../rules/pattern/index.ts';

/** A rule that a message fires. */
export type FiredRule = MatchedRule & Pick<RuleRecord, 'undecided'>;

/**
 * The rules that a message fires: those of its filters whose pattern selects it, in the order of
 * their names, at most `maxRulesPerMessage`. Where there are more, those of tenants' users give way
 * to those of operators, whatever their names. Those beyond are counted, and so are those with a
 * pattern of a later release.
 *
 * The patterns of all rules share a budget of steps. Those that it does not suffice for are fired
 * as undecided: the worker compares their patterns, and drops what they do not select. So nobody's
 * pattern or payload makes publishes slow, or hides a message from the rules of others.
 */
export function firedRules(
  context: Context,
  tenant: TenantId,
  message: Message,
  rules: readonly MatchedRule[],
  nowMs: number,
): readonly FiredRule[] {
  const { log, settings } = context;
  const { maxRulesPerMessage } = settings;
  const event = ruleEventOf({ tenant, message, publishedAtMs: nowMs });
  const budget = { steps: ruleLimits.maxMatchSteps };
  const fired = rules.flatMap((rule): readonly FiredRule[] => {
    const selected = selects(rule.where, event, budget);
    if (selected === undefined) log.count(metrics.rulesUnreadable);
    if (selected !== 'undecided') return selected === true ? [rule] : [];
    log.count(metrics.rulesUndecided);
    return [{ ...rule, undecided: true }];
  });
  if (fired.length <= maxRulesPerMessage) return fired;
  const beyond = fired.length - maxRulesPerMessage;
  log.count(metrics.rulesBeyondBound, beyond);
  const { topic } = message;
  noteRefusal(context, { code: 'message-rules-full', what: 'delivery', tenant, topic, count: beyond });
  const isOwned = (rule: MatchedRule): boolean => rule.isOwned === true;
  const operatorsFirst = [...fired.filter((rule) => !isOwned(rule)), ...fired.filter(isOwned)];
  return operatorsFirst.slice(0, maxRulesPerMessage);
}

/**
 * Hands records to the rule queue. Resolves when all are durable, so that the publisher may be
 * acknowledged. A deployment without rules, or without those for Kafka, has no queue for them: what
 * rows of another state ask for is counted and left out.
 *
 * After a crash the publisher publishes again. The queue drops what it has already for 5 minutes; a
 * QoS 1 message has a new id then, so its records come twice.
 */
export async function sendRecords(
  { log, ruleQueue }: Context,
  records: readonly RuleRecord[],
): Promise<void> {
  const sent = records.filter(({ lane }) => ruleQueue?.lanes.has(lane));
  if (sent.length < records.length) log.count(metrics.rulesWithoutQueue, records.length - sent.length);
  if (sent.length > 0) await ruleQueue?.send(sent);
}
