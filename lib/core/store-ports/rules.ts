import type { MatchedRule, Rule } from '../rules.ts';
import type { TenantId } from '../tenant-id.ts';

/**
 * Rules by tenant and name, and the rows by which a publish finds them. lib/delivery/rules.ts says
 * in which order both are written.
 */
export interface RuleStore {
  /** @param consistent false: at half the cost, and may lag a change by a moment. */
  read(tenant: TenantId, name: string, consistent: boolean): Promise<StoredRule | undefined>;
  /** Rules by name, behind `after`, strongly consistent. */
  list(
    tenant: TenantId,
    after: string | undefined,
    limit: number,
  ): Promise<{ readonly rules: readonly StoredRule[]; readonly more: boolean }>;
  /**
   * Writes a rule and its former filters. Repeating a call whose answer was lost succeeds with the
   * same revision.
   * @param expected the revision that is replaced; 0: there is no such rule.
   * @returns the new revision; undefined, changing nothing, when another one is stored.
   */
  put(
    tenant: TenantId,
    rule: Rule,
    formerFilters: readonly string[],
    expected: number,
  ): Promise<number | undefined>;
  /**
   * Forgets former filters whose rows have been deleted.
   * @returns whether the rule still has this revision.
   */
  forgetFormer(tenant: TenantId, name: string, revision: number): Promise<boolean>;
  /** @returns false, deleting nothing, when the rule has another revision. */
  delete(tenant: TenantId, name: string, revision: number): Promise<boolean>;
  /**
   * Pauses or resumes a rule, with a new revision.
   * @param by {@link Rule.pausedBy} of a pause; a rule that is resumed has none.
   * @returns false when it is gone or is so already.
   */
  setStatus(tenant: TenantId, name: string, status: Rule['status'], by?: Rule['pausedBy']): Promise<boolean>;
  /** Makes publishes that `filter` matches find a rule. */
  putMatch(tenant: TenantId, filter: string, rule: MatchedRule): Promise<void>;
  /** Idempotent. */
  deleteMatch(tenant: TenantId, filter: string, name: string): Promise<void>;
}

export interface StoredRule {
  readonly rule: Rule;
  /** Increases with every change of the rule. */
  readonly revision: number;
  /** Filters that the rule had before, under which publishes may still find it. */
  readonly formerFilters: readonly string[];
}
