import type { NativeWebSocketConstructor } from '../client/index.ts';
import {
  type ListenerLogEntry,
  type ListenerOptions,
  type Listeners,
  listenerRefusals,
  type Report,
} from '../listeners/options.ts';

export interface BridgeOptions extends ListenerOptions<BridgeEvent> {
  /** URL of the WebSocket API, such as `wss://example.com/mqtt`. */
  readonly upstreamUrl: string;
  /**
   * WebSocket towards `upstreamUrl`. Default: `ws`. Only `ws` tells the HTTP status of a refused
   * handshake, which the bridge passes on to its client.
   */
  readonly WebSocket?: NativeWebSocketConstructor;
}

const ownRefusals = ['upstream-refused', 'upstream-lost', 'keep-alive-timeout', 'bad-length'] as const;

/** Why the bridge refuses or ends a client. docs/errors.md says what to do. */
export const bridgeRefusals = [...listenerRefusals, ...ownRefusals] as const;

export type BridgeRefusal = (typeof bridgeRefusals)[number];

/** What the bridge adds to the log of its listeners. */
type BridgeEvent = (typeof ownRefusals)[number] | 'closed';

export type BridgeLogEntry = ListenerLogEntry<BridgeEvent>;

/** Logs an event of one client. */
export type BridgeReport = Report<BridgeEvent>;

/** Closing sends upstream what clients have written. */
export type Bridge = Listeners;
