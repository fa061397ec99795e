import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import type { Qos, WispMessage } from './message.ts';
import { useHeldFilters } from './provider.ts';
import type { HeldFilters } from './subscriptions.ts';

const defaultMaxMessages = 100;

export interface ListOptions {
  /** Default 0. Where hooks ask for different QoS of one filter, the highest holds for all. */
  readonly qos?: Qos;
  /** The list keeps the newest. Default 100. */
  readonly maxMessages?: number;
}

export interface ReceiveOptions {
  /** As in {@link ListOptions}. */
  readonly qos?: Qos;
  /** Called once per message. It may be a new function at each render. */
  readonly onMessage: (message: WispMessage) => void;
}

const none: readonly WispMessage[] = [];

/** Calls `onMessage` for each message of a topic filter, without rendering. */
export function useMessages(filter: string | undefined, options: ReceiveOptions): void;
/**
 * The newest messages of a topic filter since the component mounted, the newest last. Another
 * filter or option begins a new list. `undefined` as filter subscribes to nothing.
 */
export function useMessages(filter: string | undefined, options?: ListOptions): readonly WispMessage[];
export function useMessages(
  filter: string | undefined,
  options: ListOptions & Partial<ReceiveOptions> = {},
): readonly WispMessage[] {
  const { qos = 0, maxMessages = defaultMaxMessages, onMessage } = options;
  const filters = useHeldFilters();
  const callback = useRef(onMessage);
  // Before the store's own effect, so that no message finds an old function.
  useEffect(() => {
    callback.current = onMessage;
  });
  const list = useMemo(
    () => createList(filters, filter, qos, maxMessages, callback),
    [filters, filter, qos, maxMessages],
  );
  return useSyncExternalStore(list.subscribe, list.messages, list.messages);
}

function createList(
  filters: HeldFilters,
  filter: string | undefined,
  qos: Qos,
  maxMessages: number,
  callback: { readonly current: ReceiveOptions['onMessage'] | undefined },
) {
  let messages = none;
  return {
    messages: () => messages,
    subscribe(onChange: () => void): () => void {
      if (filter === undefined) return () => {};
      return filters.hold(filter, {
        qos,
        onMessage(message) {
          if (callback.current !== undefined) return callback.current(message);
          messages = maxMessages > 0 ? [...messages, message].slice(-maxMessages) : none;
          onChange();
        },
      });
    },
  };
}
