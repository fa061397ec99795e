import type { Rule, RuleRecord } from '../../core/rules.ts';
import type { Settings } from '../../core/settings.ts';

/**
 * Seconds until the next attempt: 5, doubling with each up to 15 minutes; longer if the target asks
 * for it.
 * @param earlier failed attempts before the one that has just failed.
 */
export function retrySeconds(settings: Settings, earlier: number, afterSeconds = 0): number {
  const backOff = Math.min(
    settings.ruleRetryMaxSeconds,
    settings.ruleRetrySeconds * 2 ** Math.min(earlier, 20),
  );
  return Math.ceil(Math.max(backOff, Math.min(afterSeconds, settings.ruleRetryAfterMaxSeconds)));
}

/** Whether a record that has just failed is given up, because its `retryHours` are over. */
function isTooOld({ retryHours }: Rule, record: RuleRecord, nowMs: number): boolean {
  const { publishedAtMs, retryFromMs = publishedAtMs } = record;
  return nowMs >= retryFromMs + retryHours * 3_600_000;
}

/** How many records at the head of a strand are given up when its first one has failed. */
export function countTooOld(rule: Rule, records: readonly RuleRecord[], nowMs: number): number {
  const index = records.findIndex((record) => !isTooOld(rule, record, nowMs));
  return index === -1 ? records.length : index;
}
