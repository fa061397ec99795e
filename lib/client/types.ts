/** The parts of a WebSocket that the adapter uses and offers, as structural types: no DOM library needed. */

/** What handlers get: plain objects, since not every runtime has `Event`. */
export interface SocketEvent {
  readonly type: 'open' | 'message' | 'error' | 'close' | 'drain';
  readonly target: unknown;
  /** `message`: `ArrayBuffer` or, where `binaryType` is `blob` and the runtime has them, `Blob`. */
  readonly data?: unknown;
  /** `error`, where the runtime says what happened. */
  readonly message?: string | undefined;
  /** `close`; 4000–4003 where the adapter closed by itself, see docs/wire.md. */
  readonly code?: number;
  readonly reason?: string;
  readonly wasClean?: boolean;
}

export type SocketListener = (event: SocketEvent) => void;

interface NativeEvent {
  readonly type?: unknown;
  readonly data?: unknown;
  readonly message?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly wasClean?: boolean;
}

/** Method syntax makes the parameter bivariant: the handlers of every runtime's own event types fit. */
type NativeHandler = { handle(event: NativeEvent): void }['handle'] | null;

/** The WebSocket underneath: the runtime's own, or `ws`. */
export interface NativeWebSocket {
  readonly readyState: number;
  onopen: NativeHandler;
  onmessage: NativeHandler;
  onerror: NativeHandler;
  onclose: NativeHandler;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** The global constructor of any runtime, or that of `ws`; called with URL, `[subprotocol]` and, given headers, options. */
export type NativeWebSocketConstructor = new (
  url: string,
  protocols: string[],
  options?: { headers: Record<string, string> },
) => NativeWebSocket;

export interface Timers {
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

export interface AdapterOptions {
  /** The WebSocket underneath. Default: the global one; Node 20 has none, pass `ws` there. */
  readonly WebSocket?: NativeWebSocketConstructor;
  /** Headers of the handshake, such as `Authorization`. Browsers cannot send any; `ws` and React Native can. */
  readonly headers?: Record<string, string> | undefined;
  /**
   * Which frames the server is to confirm. `always` (the default) keeps order whatever happens. `needed`: frames that hold
   * nothing but PUBLISH packets at QoS 0 go without a reply, at half the price, and keep their order unless one is
   * delayed by more than `spacingMs`; docs/wire.md, "One-way frames".
   */
  readonly acknowledge?: 'always' | 'needed';
  /** With `acknowledge: 'needed'`: the pause after a one-way frame; what is written meanwhile goes together. Default 500. */
  readonly spacingMs?: number;
  /** Default 35,000. */
  readonly replyTimeoutMs?: number;
  /** Default 540,000. */
  readonly heartbeatMs?: number;
  /** Default: the global functions. */
  readonly timers?: Timers;
}
