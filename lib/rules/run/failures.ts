import type { RuleKey, RuleLane } from '../../core/rules.ts';
import type { RuleFailure } from '../../core/store-ports/rule-records.ts';
import type { RuleRecordsContext } from './context.ts';

/** Most records that {@link countWaitingRecords} counts. */
export const maxCountedWaiting = 10_000;
/** Failures that one call sends again. */
const redrivenAtOnce = 1_000;
const pageSize = 100;

export interface FailurePage {
  readonly failures: readonly RuleFailure[];
  /** `after` of the next page; absent: this is the last one. */
  readonly next?: string;
}

/** Failures of a rule in the order of publishing. */
export async function listFailures(
  { ruleRecords }: Pick<RuleRecordsContext, 'ruleRecords'>,
  key: RuleKey,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<FailurePage> {
  const failures = await ruleRecords.failures(key, limit, after);
  const next = failures.length < limit ? undefined : failures.at(-1)?.id;
  return { failures, ...(next === undefined ? {} : { next }) };
}

export interface Redriven {
  /** Failures that were sent again. */
  readonly count: number;
  /** Whether there may be more of them: call again. */
  readonly isPartial: boolean;
}

/**
 * Sends failures of a rule again, as fresh records with a new time for retries and the same
 * delivery ids. They are removed after the queue has them, if nobody has written them again: a
 * crash in between leaves some that are sent a second time by the next call. Of a rule that is
 * paused they wait with its other records.
 *
 * @param lane of the rule's target, which may have changed since the records were published.
 * @param ids which failures, at most 100; `all`: the oldest 1,000.
 */
export async function redriveFailures(
  { clock, ruleQueue, ruleRecords }: RuleRecordsContext,
  { tenant, rule }: RuleKey,
  lane: RuleLane,
  ids: readonly string[] | 'all',
): Promise<Redriven> {
  if (ruleQueue === undefined) return { count: 0, isPartial: false };
  const queue = ruleQueue;
  const key = { tenant, rule };
  const nowMs = clock.nowMs();

  async function redrive(failures: readonly RuleFailure[]): Promise<void> {
    await queue.send(
      failures.map(({ record: { failure: _, ...record } }) => ({
        ...record,
        lane,
        hops: 0,
        // Never one that it has had: the queue would take the record for a repetition.
        retryFromMs: Math.max(nowMs, (record.retryFromMs ?? 0) + 1),
      })),
    );
    await ruleRecords.removeFailures(key, failures);
  }

  if (ids !== 'all') {
    const failures = await ruleRecords.getFailures(key, ids);
    await redrive(failures.sort((one, other) => (one.id < other.id ? -1 : 1)));
    return { count: failures.length, isPartial: false };
  }
  let count = 0;
  let after: string | undefined;
  while (count < redrivenAtOnce) {
    const failures = await ruleRecords.failures(key, pageSize, after);
    // Some may have been sent by this call and have failed again.
    const earlier = failures.filter(({ atMs }) => atMs <= nowMs);
    if (earlier.length > 0) await redrive(earlier);
    count += earlier.length;
    after = failures.at(-1)?.id;
    if (failures.length < pageSize) return { count, isPartial: false };
  }
  return { count, isPartial: true };
}

/** How many records of a rule wait: at most {@link maxCountedWaiting}, which stands for more. */
export function countWaitingRecords(
  { ruleRecords }: Pick<RuleRecordsContext, 'ruleRecords'>,
  key: RuleKey,
): Promise<number> {
  return ruleRecords.countWaiting(key, maxCountedWaiting);
}
