import type { ReasonName } from '../core/reasons.ts';
import type { Rule, RuleRecord, RuleTargetKind } from '../core/rules.ts';
import type { RuleEvent } from './event.ts';

/** One record for its target. */
export interface RuleDelivery {
  /** `MESSAGE.RULE`, the same in every attempt: receivers recognise repetitions by it. */
  readonly id: string;
  readonly record: RuleRecord;
  readonly event: RuleEvent;
  readonly body: Uint8Array;
  /** Media type of the body. */
  readonly contentType: string;
}

/** What became of one attempt. */
export type DeliveryOutcome =
  | { readonly kind: 'delivered' }
  /** Try again, not before `afterSeconds` if the target has named a time. */
  | { readonly kind: 'retry'; readonly code: ReasonName; readonly afterSeconds?: number }
  /** The target will never take this record: it becomes a failure at once. */
  | { readonly kind: 'refused'; readonly code: ReasonName }
  /** The target is gone for good: the rule is paused and the record waits. */
  | { readonly kind: 'gone'; readonly code: ReasonName };

/** A kind of target. Never throws for what the target does. */
export interface RuleTargetPort {
  /** The most deliveries of one call, 1 or more. */
  readonly maxBatch: number;
  /**
   * @param deliveries of one rule and one message group, in their order.
   * @returns one outcome per delivery, in order. After one that is to be tried again, later ones
   *   are to be tried again too, so that their order holds.
   */
  deliver(rule: Rule, deliveries: readonly RuleDelivery[]): Promise<readonly DeliveryOutcome[]>;
}

/** Absent: this function does not serve the kind. */
export type RuleTargets = Readonly<Partial<Record<RuleTargetKind, RuleTargetPort>>>;
