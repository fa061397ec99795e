import { metrics } from '../../core/metrics.ts';
import type { ReasonName } from '../../core/reasons.ts';
import type { RuleKey, RuleLane } from '../../core/rules.ts';
import type { RuleCircuit, RuleOutage, WaitingRecord } from '../../core/store-ports/rule-records.ts';
import type { RuleRecordsContext, RuleRunContext } from './context.ts';

/** Rounds of {@link park}: each but the last has met the end or the beginning of an outage. */
const maxRounds = 4;

/** Why an outage begins where there is none; absent code: the rule is held. */
export interface OutageCause {
  readonly code?: ReasonName;
  /** Seconds until the target is tried. */
  readonly seconds: number;
}

/**
 * Moves records from the queue into rows, while the outage lasts. The records of a strand leave the
 * queue one after another, so their rows have an order, and nobody delivers a later record from the
 * queue while an earlier one waits in a row:
 *
 * - Rows are written, then counted in the circuit under the condition that the outage lasts, and
 *   only then do the records leave the queue.
 * - An outage ends under the condition that the count is what it was before all strands were found
 *   empty (drain.ts).
 *
 * So either the end sees the rows, or the count fails and the records are delivered from the queue.
 * A crash leaves rows of records that are still in the queue: they may be delivered twice, with the
 * same id. Rows that were not counted and whose outage has ended stay until the next one drains
 * them, or their TTL.
 *
 * @param known the circuit as it was read after the records were received; absent: it is read.
 * @param cause begins an outage where there is none.
 * @returns `closed` if there is no outage and no `cause`: the records may be delivered;
 *   `unsettled` if outages began and ended meanwhile: try again later.
 */
export async function park(
  context: RuleRunContext,
  records: readonly WaitingRecord[],
  { known, cause }: { readonly known?: RuleCircuit; readonly cause?: OutageCause },
): Promise<'parked' | 'closed' | 'unsettled'> {
  const [first] = records;
  if (first === undefined) return 'parked';
  const { ruleRecords, log } = context;
  const key = first.record;
  let circuit = known;
  let isStored = false;
  for (let round = 0; round < maxRounds; round += 1) {
    const { outage } = circuit ?? (await ruleRecords.circuit(key));
    circuit = undefined;
    if (outage === undefined) {
      if (cause === undefined) {
        if (isStored) await ruleRecords.removeWaiting(key, records);
        return 'closed';
      }
      await beginOutage(context, key, cause);
      continue;
    }
    await ensureDrain(context, key, key.lane, outage);
    if (!isStored) await ruleRecords.putWaiting(key, records);
    isStored = true;
    if (await ruleRecords.notePark(key, outage.period)) {
      log.count(metrics.ruleRecordsParked, records.length);
      return 'parked';
    }
  }
  await ruleRecords.removeWaiting(key, records);
  return 'unsettled';
}

async function beginOutage(
  context: RuleRunContext,
  { tenant, rule }: RuleKey,
  { code, seconds }: OutageCause,
): Promise<void> {
  const { clock, ids, log, ruleRecords } = context;
  const atMs = clock.nowMs();
  const failure = code === undefined ? undefined : { code, atMs };
  const nextTryAtMs = atMs + seconds * 1000;
  if (!(await ruleRecords.beginOutage({ tenant, rule }, ids.unique(), nextTryAtMs, failure))) return;
  if (code === undefined) return;
  log.count(metrics.ruleCircuitsOpened);
  log.warn('the target of a rule fails or is slow: its records wait', { code, rule, tenant });
}

/**
 * An outage has a request to drain from the moment when the first record leaves the queue for a
 * row. Whoever moves records sends it if nobody has recorded it: the one who began the outage may
 * have crashed.
 */
async function ensureDrain(
  { ruleDrains, ruleRecords }: RuleRunContext,
  { tenant, rule }: RuleKey,
  lane: RuleLane,
  { period, drain }: RuleOutage,
): Promise<void> {
  if (drain > 0) return;
  await ruleDrains.send({ tenant, rule, lane, period, number: 1 });
  await ruleRecords.noteDrain({ tenant, rule }, period, 1);
}

/**
 * Tries the target of a rule now, instead of when its back-off ends: it has been resumed or
 * changed. Idempotent; without an outage it does nothing.
 */
export async function wakeRule(
  { clock, ruleDrains, ruleRecords }: RuleRecordsContext,
  { tenant, rule }: RuleKey,
  lane: RuleLane,
): Promise<void> {
  const key = { tenant, rule };
  const { outage } = await ruleRecords.circuit(key);
  if (outage === undefined || ruleDrains === undefined) return;
  const { period, drain } = outage;
  await ruleRecords.postpone(key, period, { atMs: clock.nowMs(), tries: 0 });
  await ruleDrains.send({ ...key, lane, period, number: drain + 1 });
}
