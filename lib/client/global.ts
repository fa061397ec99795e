import { subprotocol } from '../wire/limits.ts';
import type { AdapterOptions, NativeWebSocketConstructor } from './types.ts';
import { WispWebSocket } from './websocket.ts';

export interface InstallOptions extends AdapterOptions {
  /** What URLs that the adapter serves begin with, such as `wss://example.com/mqtt`. Others are left alone. */
  readonly urls: readonly string[];
}

/**
 * Replaces the global `WebSocket` for libraries that offer no hook, such as Paho JS. Call it before the library
 * connects. Returns a function that puts the original back.
 */
export function installGlobal({ urls, ...options }: InstallOptions): () => void {
  const scope = globalThis as { WebSocket?: unknown };
  const original = scope.WebSocket as NativeWebSocketConstructor;

  // A proxy keeps the constants, such as WebSocket.OPEN.
  scope.WebSocket = new Proxy(WispWebSocket, {
    construct(_target, [url, protocols]: [string, string | string[] | undefined]) {
      const isServed = urls.some((prefix) => String(url).startsWith(prefix));
      // The adapter's own socket underneath asks for the profile: that one is for the original.
      return isServed && !protocols?.includes(subprotocol)
        ? new WispWebSocket(url, protocols, { WebSocket: original, ...options })
        : new original(url, protocols as string[]);
    },
  });
  return () => {
    scope.WebSocket = original;
  };
}
