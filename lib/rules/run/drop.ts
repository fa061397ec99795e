import { metrics } from '../../core/metrics.ts';
import type { Rule, RuleKey } from '../../core/rules.ts';
import type { WaitingRecord } from '../../core/store-ports/rule-records.ts';
import type { RuleRunContext } from './context.ts';

/**
 * How much older than its rule a record may seem, in ms: the clocks of two functions differ. An
 * older one belongs to a deleted rule of the same name.
 */
const clocksDifferMs = 5_000;

/** Counts records of a deleted rule, and drops them. @returns the others. */
export function dropOutdated<Queued extends WaitingRecord>(
  context: RuleRunContext,
  { createdAtMs }: Rule,
  records: readonly Queued[],
): Queued[] {
  const kept = records.filter(({ record }) => record.publishedAtMs >= createdAtMs - clocksDifferMs);
  const [first] = records;
  if (first !== undefined && kept.length < records.length)
    countDropped(context, first.record, records.length - kept.length);
  return kept;
}

/** Records whose rule or tenant no longer exists. */
export function countDropped({ log }: RuleRunContext, { tenant, rule }: RuleKey, count: number): void {
  log.count(metrics.ruleRecordsDropped, count);
  log.info('records of a deleted rule were dropped', { tenant, rule, count });
}
