import type { ReasonName } from '../reasons.ts';
import type { RuleKey, RuleRecord } from '../rules.ts';
import type { TenantId } from '../tenant-id.ts';

/**
 * What workers know of a rule's target: failures in a row, and the outage during which the rule's
 * records wait in rows. And the rows: records that wait, and failures.
 */
export interface RuleRecordStore {
  /** Strongly consistent. Of a rule without a row: no failures, no outage. */
  circuit(key: RuleKey): Promise<RuleCircuit>;
  /** Counts a failed attempt and keeps why. @returns the failures in a row. */
  countFailure(key: RuleKey, failure: LastFailure): Promise<number>;
  /** An attempt has succeeded. */
  clearFailures(key: RuleKey): Promise<void>;
  /**
   * Starts an outage.
   * @param failure why; absent: the rule is paused or its tenant suspended.
   * @returns false, changing nothing, when there is one already.
   */
  beginOutage(key: RuleKey, period: string, nextTryAtMs: number, failure?: LastFailure): Promise<boolean>;
  /**
   * Records that a request to drain has been sent, or that it replaces those before it.
   * @returns false when the outage has ended or a higher number is stored.
   */
  noteDrain(key: RuleKey, period: string, number: number): Promise<boolean>;
  /** Sets when the target is tried again. @returns false when the outage has ended. */
  postpone(key: RuleKey, period: string, next: NextTry): Promise<boolean>;
  /**
   * Ends the outage.
   * @param parked {@link RuleOutage.parked} as it was before the rows were found empty.
   * @returns false when it has changed, so that there may be rows again.
   */
  endOutage(key: RuleKey, period: string, parked: number): Promise<boolean>;
  /** Stores records that wait. Idempotent: their key is their place in the queue. */
  putWaiting(key: RuleKey, waiting: readonly WaitingRecord[]): Promise<void>;
  /**
   * Counts rows that {@link putWaiting} has stored. Only after it may the records leave the queue.
   * @returns false when the outage has ended: nobody will look for the rows.
   */
  notePark(key: RuleKey, period: string): Promise<boolean>;
  /** The oldest records of a strand that wait, strongly consistent. */
  waiting(key: RuleKey, strand: number, limit: number): Promise<WaitingRecord[]>;
  removeWaiting(key: RuleKey, waiting: readonly WaitingRecord[]): Promise<void>;
  /** How many records wait, counted up to `atMost`. */
  countWaiting(key: RuleKey, atMost: number): Promise<number>;
  /**
   * Takes room for failures from what a rule may have in one day.
   * @param day `2026-11-28`, UTC. A later one that a function has named counts instead: clocks
   *   differ.
   * @returns false, taking nothing, when there is not enough.
   */
  takeFailureRoom(key: RuleKey, day: string, count: number, perDay: number): Promise<boolean>;
  /** Stores failures. Idempotent. */
  putFailures(key: RuleKey, failures: readonly RuleFailure[]): Promise<void>;
  /** Failures in the order of publishing. @param after id of the last one of the previous page. */
  failures(key: RuleKey, limit: number, after?: string): Promise<RuleFailure[]>;
  /** The failures of these ids that exist, unordered. */
  getFailures(key: RuleKey, ids: readonly string[]): Promise<RuleFailure[]>;
  /** Removes failures, except those that have been written again at another time (`atMs`). */
  removeFailures(key: RuleKey, failures: readonly Pick<RuleFailure, 'id' | 'atMs'>[]): Promise<void>;
  /**
   * Asks whether to tell the tenant of a failure, and notes it as the latest one.
   * @returns false, changing nothing, when one was told after `notSinceMs`.
   */
  mayTell(key: RuleKey, failure: LastFailure, notSinceMs: number): Promise<boolean>;
  /**
   * Takes one of the permits with which workers may be busy with a tenant's rules for long.
   * @param most permits of the tenant.
   * @param untilMs when it ends by itself: its holder may crash.
   * @returns undefined when all are taken.
   */
  takePermit(tenant: TenantId, most: number, untilMs: number): Promise<RulePermit | undefined>;
  /** Idempotent; one that somebody else has taken meanwhile is left alone. */
  returnPermit(tenant: TenantId, permit: RulePermit): Promise<void>;
  /**
   * Removes rows of a rule that no longer exists, up to some thousands.
   * @returns whether there may be more.
   */
  clear(key: RuleKey): Promise<boolean>;
}

export interface RuleCircuit {
  /** Failed attempts since the last one that succeeded. */
  readonly failures: number;
  /** Absent: records are delivered from the queue. */
  readonly outage?: RuleOutage;
  readonly lastFailure?: LastFailure;
}

/** While it lasts, records of the rule wait in rows and leave the queue at once. */
export interface RuleOutage {
  /** Unique name of this outage. */
  readonly period: string;
  /** Before this time nobody tries the target, in ms since 1970. */
  readonly nextTryAtMs: number;
  /** Failed tries since the outage began or a record was last delivered. */
  readonly tries: number;
  /** Increases whenever records have been stored. */
  readonly parked: number;
  /** Highest number of a request to drain that is known to be in the queue; 0: none. */
  readonly drain: number;
}

/** One of the permits of a tenant. */
export interface RulePermit {
  readonly number: number;
  readonly untilMs: number;
}

export interface NextTry {
  readonly atMs: number;
  /** {@link RuleOutage.tries} */
  readonly tries: number;
  readonly failure?: LastFailure;
}

export interface LastFailure {
  readonly code: ReasonName;
  readonly atMs: number;
}

/** A record that waits for the end of an outage. */
export interface WaitingRecord {
  readonly record: RuleRecord;
  /** Place in the queue: a number of up to 20 digits, ascending within a strand. */
  readonly sequence: string;
  /** 0 to `ruleStrands - 1`. */
  readonly strand: number;
}

/** A record that was given up; `record.failure` says why. */
export interface RuleFailure {
  /** See {@link ruleFailureId}. Ids sort by time of publishing. */
  readonly id: string;
  readonly record: RuleRecord;
  /** When it was given up, in ms since 1970. */
  readonly atMs: number;
}

/**
 * The id of the failure of a record, equal however often it is written. One that has been sent
 * again and fails again has another.
 */
export function ruleFailureId({ publishedAtMs, message, retryFromMs }: RuleRecord): string {
  const id = `${String(publishedAtMs).padStart(13, '0')}-${message.id}`;
  return retryFromMs === undefined ? id : `${id}-${retryFromMs}`;
}
