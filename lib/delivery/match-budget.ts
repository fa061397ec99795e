import type { Message, TenantLive } from '../core/model.ts';
import type { PublishRefusal } from '../core/publish-refusal.ts';
import { refusal } from '../core/reasons.ts';
import type { Settings } from '../core/settings.ts';
import { candidateFilters } from '../topics/index.ts';

/** How many Queries the publishes of one frame, or of one HTTP request, may still take. */
export interface MatchBudget {
  queriesLeft: number;
}

export function createMatchBudget({ maxMatchQueries }: Pick<Settings, 'maxMatchQueries'>): MatchBudget {
  return { queriesLeft: maxMatchQueries };
}

/**
 * Takes the Queries of messages that are published together from the budget: one for each filter
 * that may match one of their topics. A topic is matched for all its messages or for none, so their
 * order is kept.
 *
 * @returns the messages for which the budget has no room.
 */
export function beyondBudget(
  budget: MatchBudget,
  { shapes }: TenantLive,
  messages: readonly Message[],
): ReadonlySet<Message> {
  const filters = new Set<string>();
  const isWithin = new Map<string, boolean>();
  for (const { topic } of messages) {
    if (isWithin.has(topic)) continue;
    const added = candidateFilters(shapes, topic).filter((filter) => !filters.has(filter));
    isWithin.set(topic, added.length <= budget.queriesLeft);
    if (added.length > budget.queriesLeft) continue;
    budget.queriesLeft -= added.length;
    for (const filter of added) filters.add(filter);
  }
  return new Set(messages.filter(({ topic }) => isWithin.get(topic) === false));
}

/** Of the kind `rate`: the same message passes in a frame of its own. */
export const beyondMatching: PublishRefusal = { kind: 'rate', ...refusal('matches-too-many') };
