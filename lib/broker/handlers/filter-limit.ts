import { refusal } from '../../core/reasons.ts';
import { type End, endWith } from '../../sessions/outcome.ts';
import type { Peer, Run } from './handler.ts';

/** The packets of a run that are handled, and why the packet behind them ends the connection. */
export interface Accepted<P> {
  readonly packets: readonly P[];
  readonly end?: End;
}

/**
 * Cuts a run before the first SUBSCRIBE or UNSUBSCRIBE with more than `maxFiltersPerPacket`
 * filters, which ends the connection: 0x97 in 5.0.
 */
export function acceptFilters<P>(
  { context: { settings }, connection }: Pick<Peer, 'context' | 'connection'>,
  run: Run<P>,
  filtersOf: (packet: P) => readonly string[],
): Accepted<P> {
  const { maxFiltersPerPacket } = settings;
  const index = run.findIndex((packet) => filtersOf(packet).length > maxFiltersPerPacket);
  if (index === -1) return { packets: run };
  const tooMany = refusal('too-many-filters', `at most ${maxFiltersPerPacket}`);
  return { packets: run.slice(0, index), end: endWith(connection.protocolVersion, tooMany) };
}
