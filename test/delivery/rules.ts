import type { Rule } from '../../lib/core/rules.ts';

/** A rule for a queue, with changes. */
export function ruleOf(name: string, changes: Partial<Rule> = {}): Rule {
  return {
    name,
    filter: 'orders/+',
    send: { form: 'envelope' },
    target: { kind: 'sqs', queueArn: 'arn:aws:sqs:eu-central-1:123456789012:orders' },
    status: 'active',
    retryHours: 24,
    createdAtMs: 1,
    ...changes,
  };
}
