import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';
import { type Refusal, refusal } from '../../core/reasons.ts';
import { noteRefusal } from '../../limits/refusals.ts';
import { type End, endWith } from '../../sessions/outcome.ts';
import { isIllFormedFilter, isTopicError, parseFilter, type TopicError } from '../../topics/index.ts';
import type { Peer, Run } from './handler.ts';

/** The packets of a run that are handled, and why the packet behind them ends the connection. */
export interface Accepted<P> {
  readonly packets: readonly P[];
  readonly end?: End;
}

/**
 * Cuts a run before the first SUBSCRIBE or UNSUBSCRIBE that ends the connection: one with more than
 * `maxFiltersPerPacket` filters (in 5.0: 0x97) or with an ill-formed filter (0x81).
 *
 * [MQTT-4.7.3-1 v3+v5, MQTT-4.7.1-1 v5, MQTT-4.7.1-2 v3+v5, MQTT-4.7.1-3 v3, MQTT-4.8.0-1 v3,
 * MQTT-4.8.2-1 v5, MQTT-4.8.2-2 v5, MQTT-4.13.1-1 v5]
 */
export function acceptFilters<P>(
  { context: { settings }, connection }: Pick<Peer, 'context' | 'connection'>,
  run: Run<P>,
  filtersOf: (packet: P) => readonly string[],
): Accepted<P> {
  const { maxFiltersPerPacket } = settings;
  for (const [index, packet] of run.entries()) {
    const filters = filtersOf(packet);
    const reason =
      filters.length > maxFiltersPerPacket
        ? refusal('too-many-filters', `at most ${maxFiltersPerPacket}`)
        : illFormed(filters);
    if (reason === undefined) continue;
    return { packets: run.slice(0, index), end: endWith(connection.protocolVersion, reason) };
  }
  return { packets: run };
}

function illFormed(filters: readonly string[]): TopicError | undefined {
  for (const filter of filters) {
    const parsed = parseFilter(filter);
    if (isTopicError(parsed) && isIllFormedFilter(parsed)) return parsed;
  }
  return undefined;
}

/** Notes a filter of SUBSCRIBE or UNSUBSCRIBE that its acknowledgement refuses. */
export function noteFilter(
  context: Context,
  { tenant, clientId, address: connection }: Connection,
  { code, message: reason }: Pick<Refusal, 'code' | 'message'> | TopicError,
  topic: string | undefined,
): void {
  const filter = topic === undefined ? {} : { topic };
  noteRefusal(context, { code, what: 'filter', tenant, clientId, connection, reason, ...filter });
}
