import type { Context } from '../../core/context.ts';
import type { RuleDrainQueue, RuleQueue } from '../../core/rules.ts';
import type { RuleTargets } from '../target.ts';
import type { RuleDefinitions } from './definitions.ts';

/** What a worker of rules needs. */
export interface RuleRunContext extends Context {
  readonly ruleQueue: RuleQueue;
  readonly ruleDrains: RuleDrainQueue;
  readonly definitions: RuleDefinitions;
  /** Kinds of targets that this function serves. */
  readonly targets: RuleTargets;
}

/** What operations on the records of a rule need. */
export type RuleRecordsContext = Pick<Context, 'clock' | 'ruleRecords' | 'ruleQueue' | 'ruleDrains'>;
