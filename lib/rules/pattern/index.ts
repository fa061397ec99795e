import { rememberCompiled } from '../compiled-texts.ts';
import type { RuleEvent } from '../event.ts';
import { compilePattern } from './compile.ts';
import { matchesPattern } from './match.ts';

export { compilePattern } from './compile.ts';
export { matchesPattern } from './match.ts';

const compiled = rememberCompiled(compilePattern);

/**
 * Whether a rule with the pattern `where` takes the event; without a pattern it takes every event.
 * Compiled patterns are remembered.
 *
 * @returns undefined if the pattern cannot be compiled: a release that knows more operators has
 *   written it.
 */
export function selects(where: string | undefined, event: RuleEvent): boolean | undefined {
  if (where === undefined) return true;
  const result = compiled(where);
  return 'fault' in result ? undefined : matchesPattern(result.pattern, event);
}
