import { metrics } from '../../core/metrics.ts';
import type { ReasonName } from '../../core/reasons.ts';
import type { Rule, RuleRecord } from '../../core/rules.ts';
import { renderDelivery } from '../envelope.ts';
import { ruleEventOf } from '../event.ts';
import { selects } from '../pattern/index.ts';
import type { DeliveryOutcome, RuleDelivery, RuleTargetPort } from '../target.ts';
import type { RuleRunContext } from './context.ts';
import { giveUp } from './give-up.ts';

/** What became of consecutive records of one strand. */
export interface Attempt {
  /** Records from the first one that are finished: delivered, given up, or not selected. */
  readonly finished: number;
  /** Whether the target has answered: it has taken or refused at least one record. */
  readonly isAnswered: boolean;
  /** Why the record behind the finished ones was not delivered; absent: all are finished. */
  readonly stop?: Stop;
}

export type Stop = Extract<DeliveryOutcome, { kind: 'retry' | 'gone' }>;

/** The most records of one {@link attemptRecords}. */
export function attemptSize({ targets }: RuleRunContext, rule: Rule): number {
  return Math.max(1, targets[rule.target.kind]?.maxBatch ?? 1);
}

/**
 * Hands records of one strand to the rule's target, in their order. Those that it refuses for good
 * become failures. A crash leaves records that the target has and the worker does not know of: they
 * are handed over again, with the same ids.
 *
 * @param records not empty, at most {@link attemptSize}.
 */
export async function attemptRecords(
  context: RuleRunContext,
  rule: Rule,
  records: readonly RuleRecord[],
): Promise<Attempt> {
  const outcomes = await outcomesOf(context, rule, records);
  const end = outcomes.findIndex(({ outcome: { kind } }) => kind === 'retry' || kind === 'gone');
  const done = outcomes.slice(0, end === -1 ? undefined : end);
  const delivered = done.filter(({ outcome }) => outcome.kind === 'delivered').length;
  const refused = done.flatMap(({ record, outcome }) =>
    outcome.kind === 'refused' ? [{ ...record, failure: outcome.code }] : [],
  );
  const [first] = records;
  if (delivered > 0 && first !== undefined) {
    context.log.count(metrics.rulesDelivered, delivered);
    context.usage.count(first.tenant, { ruleDeliveries: delivered });
  }
  if (refused.length > 0) await giveUp(context, refused);
  const result = { finished: done.length, isAnswered: done.some(({ isAnswer }) => isAnswer) };
  const stop = outcomes[done.length]?.outcome;
  if (stop === undefined || (stop.kind !== 'retry' && stop.kind !== 'gone')) return result;
  context.log.count(metrics.ruleAttemptsFailed);
  return { ...result, stop };
}

interface RecordOutcome {
  readonly record: RuleRecord;
  /** `unselected`: the pattern of the rule, compared only now, does not select the message. */
  readonly outcome: DeliveryOutcome | { readonly kind: 'unselected' };
  /** Whether the target has said so. */
  readonly isAnswer: boolean;
}

async function outcomesOf(
  context: RuleRunContext,
  rule: Rule,
  records: readonly RuleRecord[],
): Promise<RecordOutcome[]> {
  const target = context.targets[rule.target.kind];
  if (target === undefined)
    return records.map((record) => ({ record, outcome: retry('rule-target-unserved'), isAnswer: false }));
  const rendered = records.map((record) => deliveryOf(rule, record));
  const deliveries = rendered.filter((one) => 'body' in one);
  const answers = await deliver(context, rule, target, deliveries);
  const answerTo = new Map(deliveries.map((delivery, index) => [delivery, answers[index]]));
  return records.map((record, index) => {
    const one = rendered[index];
    if (one !== undefined && !('body' in one)) return { record, outcome: one, isAnswer: false };
    const answer = one && answerTo.get(one);
    return { record, outcome: answer ?? retry('rule-attempt-failed'), isAnswer: answer !== undefined };
  });
}

/** A target never throws for what the other side does; whatever it throws, the record is kept. */
async function deliver(
  { log }: RuleRunContext,
  rule: Rule,
  target: RuleTargetPort,
  deliveries: readonly RuleDelivery[],
): Promise<readonly DeliveryOutcome[]> {
  if (deliveries.length === 0) return [];
  try {
    return await target.deliver(rule, deliveries);
  } catch (error) {
    const tenant = deliveries[0]?.record.tenant;
    log.error('a target of a rule failed', {
      error: error instanceof Error ? error.name : 'unknown',
      kind: rule.target.kind,
      rule: rule.name,
      tenant,
    });
    return [];
  }
}

function deliveryOf(rule: Rule, record: RuleRecord): RuleDelivery | RecordOutcome['outcome'] {
  const event = ruleEventOf(record);
  if (record.undecided === true && selects(rule.where, event) !== true) return { kind: 'unselected' };
  const rendered = renderDelivery(rule.send, record, event);
  if ('code' in rendered) return { kind: 'refused', code: rendered.code };
  return { id: deliveryId(record), record, event, ...rendered };
}

/** `MESSAGE.RULE`: the same in every attempt. */
function deliveryId({ message, rule }: RuleRecord): string {
  return `${message.id}.${rule}`;
}

function retry(code: ReasonName): DeliveryOutcome {
  return { kind: 'retry', code };
}
