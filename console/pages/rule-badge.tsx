import type { RuleSummary } from '../api/rule-types.ts';
import { Badge } from '../parts/facts.tsx';

/** Failing: the circuit is open, and messages wait for the target. */
export function RuleBadge({ rule }: { readonly rule: Pick<RuleSummary, 'status' | 'circuit'> }) {
  if (rule.status === 'paused') return <Badge kind="warning">paused</Badge>;
  return rule.circuit.openUntil === undefined ? (
    <Badge kind="good">active</Badge>
  ) : (
    <Badge kind="bad">failing</Badge>
  );
}
