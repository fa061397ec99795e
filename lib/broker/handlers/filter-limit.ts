import { refusal } from '../../core/reasons.ts';
import { type End, endWith } from '../../sessions/outcome.ts';
import type { Peer } from './handler.ts';

/**
 * Ends a connection whose SUBSCRIBE or UNSUBSCRIBE has more filters than `maxFiltersPerPacket`:
 * 0x97 in 5.0.
 */
export function filterLimitExceeded(
  { context: { settings }, connection }: Pick<Peer, 'context' | 'connection'>,
  filterCount: number,
): End | undefined {
  const { maxFiltersPerPacket } = settings;
  if (filterCount <= maxFiltersPerPacket) return undefined;
  return endWith(connection.protocolVersion, refusal('too-many-filters', `at most ${maxFiltersPerPacket}`));
}
