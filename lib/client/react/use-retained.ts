import { useCallback, useSyncExternalStore } from 'react';
import type { Qos, WispMessage } from './message.ts';
import { useHeldFilters } from './provider.ts';
import { noMessages } from './subscriptions.ts';

export interface RetainedOptions {
  /** As for `useMessages`. Default 0. */
  readonly qos?: Qos;
}

/**
 * The last message of each topic that matches: the retained one, then each that follows it. A
 * message without payload removes its topic. At most 1,000 topics; those without news for longest
 * are dropped. `undefined` subscribes to nothing.
 */
export function useRetained(
  topicOrFilter: string | undefined,
  { qos = 0 }: RetainedOptions = {},
): ReadonlyMap<string, WispMessage> {
  const filters = useHeldFilters();
  const subscribe = useCallback(
    (onMessage: () => void) =>
      topicOrFilter === undefined ? () => {} : filters.hold(topicOrFilter, { qos, onMessage }),
    [filters, topicOrFilter, qos],
  );
  const latest = () => (topicOrFilter === undefined ? noMessages : filters.latest(topicOrFilter));
  return useSyncExternalStore(subscribe, latest, () => noMessages);
}
