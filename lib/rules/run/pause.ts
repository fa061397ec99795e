import { metrics } from '../../core/metrics.ts';
import type { RuleKey } from '../../core/rules.ts';
import type { RuleRunContext } from './context.ts';

/** The target of a rule is gone for good: the rule is paused, and its records wait. Idempotent. */
export async function pauseRule(
  { definitions, log }: RuleRunContext,
  { tenant, rule }: RuleKey,
): Promise<void> {
  await definitions.pause({ tenant, rule });
  log.count(metrics.rulesPaused);
  log.warn('a rule was paused: its target is gone', { tenant, rule });
}
