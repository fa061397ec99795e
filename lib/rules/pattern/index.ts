import { rememberCompiled } from '../compiled-texts.ts';
import type { RuleEvent } from '../event.ts';
import { compilePattern } from './compile.ts';
import { type MatchBudget, matchesPattern } from './match.ts';

export { compilePattern } from './compile.ts';
export { type MatchBudget, matchesPattern } from './match.ts';

const compiled = rememberCompiled(compilePattern);

/**
 * Whether a rule with the pattern `where` takes the event; without a pattern it takes every event.
 * Compiled patterns are remembered.
 *
 * @returns undefined if the pattern cannot be compiled: a release that knows more operators has
 *   written it; `undecided` when the budget has ended.
 */
export function selects(
  where: string | undefined,
  event: RuleEvent,
  budget?: MatchBudget,
): boolean | 'undecided' | undefined {
  if (where === undefined) return true;
  const result = compiled(where);
  return 'fault' in result ? undefined : matchesPattern(result.pattern, event, budget);
}
