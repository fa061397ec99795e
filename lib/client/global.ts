import { subprotocol } from '../wire/limits.ts';
import type { AdapterOptions, NativeWebSocketConstructor } from './types.ts';
import { WispWebSocket } from './websocket.ts';

export interface InstallOptions extends AdapterOptions {
  /**
   * URL prefixes that the adapter serves, such as `wss://example.com/mqtt`. Other URLs keep the
   * original.
   */
  readonly urls: readonly string[];
}

/**
 * Replaces the global `WebSocket` for libraries that have no hook, such as Paho JS. Call it before
 * the library connects.
 *
 * @returns a function that restores the original
 */
export function installGlobal({ urls, ...options }: InstallOptions): () => void {
  const scope = globalThis as { WebSocket?: unknown };
  const original = scope.WebSocket as NativeWebSocketConstructor;

  // A proxy keeps the constants, such as WebSocket.OPEN.
  scope.WebSocket = new Proxy(WispWebSocket, {
    construct(_target, [url, protocols]: [string, string | string[] | undefined]) {
      const isServed = urls.some((prefix) => String(url).startsWith(prefix));
      // An adapter creates its own socket with the profile's subprotocol: that one must be an
      // original.
      return isServed && !protocols?.includes(subprotocol)
        ? new WispWebSocket(url, protocols, { WebSocket: original, ...options })
        : new original(url, protocols as string[]);
    },
  });
  return () => {
    scope.WebSocket = original;
  };
}
