/**
 * The parts of a WebSocket that the adapter uses and offers. Structural types need no DOM library.
 */

/** Argument of handlers: a plain object, since not every runtime has `Event`. */
export interface SocketEvent {
  readonly type: 'open' | 'message' | 'error' | 'close' | 'drain';
  readonly target: unknown;
  /**
   * `message`: a `Blob` if `binaryType` is `blob` and the runtime has that class, otherwise an
   * `ArrayBuffer`.
   */
  readonly data?: unknown;
  /** `error`: the cause, if the runtime tells it. */
  readonly message?: string | undefined;
  /** `close`: 4000 to 4003 if the adapter itself closed, 4004 by a bridge (docs/wire.md). */
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

/**
 * Method syntax makes the parameter bivariant, so that handlers with any runtime's event types fit.
 */
type NativeHandler = { handle(event: NativeEvent): void }['handle'] | null;

/** The underlying WebSocket: the runtime's own, or that of the package `ws`. */
export interface NativeWebSocket {
  readonly readyState: number;
  onopen: NativeHandler;
  onmessage: NativeHandler;
  onerror: NativeHandler;
  onclose: NativeHandler;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/**
 * The global constructor of any runtime, or that of `ws`. It is called with the URL,
 * `[subprotocol]` and, if there are headers, options.
 */
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
  /** The underlying WebSocket. Default: the global one. Node 20 has none: pass `ws`. */
  readonly WebSocket?: NativeWebSocketConstructor;
  /**
   * Headers of the handshake, such as `Authorization`. Browsers cannot send any; `ws` and React
   * Native can.
   */
  readonly headers?: Record<string, string> | undefined;
  /**
   * Frames that the server confirms; others go without a reply, at half the price (docs/wire.md,
   * "One-way frames"). The server must not be older than the adapter.
   * - `always` (default): all.
   * - `messages`: all but single PUBACK and PUBCOMP packets after a short silence. One that is lost
   *   leads to redelivery after the next connect, as any lost acknowledgement does.
   * - `needed`: as `messages`, and frames that hold only QoS 0 PUBLISH packets go without a reply
   *   too. They may be reordered if one is delayed by more than `spacingMs`.
   */
  readonly acknowledge?: 'always' | 'messages' | 'needed';
  /**
   * Pause after a one-way frame with messages, in milliseconds; packets written meanwhile go
   * together. Only with `acknowledge: 'needed'`. Default: 500.
   */
  readonly spacingMs?: number;
  /**
   * Milliseconds until an unanswered frame closes the connection with code 4001. Default: 35,000.
   */
  readonly replyTimeoutMs?: number;
  /** Milliseconds of silence after which a heartbeat is sent. Default: 540,000. */
  readonly heartbeatMs?: number;
  /**
   * Who keeps the connection alive. `server` (default): PINGREQ goes to the server, which ends a
   * client that is silent for 1.5 times its keep-alive. `local`: the adapter answers PINGREQ itself
   * and tells the server a keep-alive of 0, so that an idle client costs one heartbeat per
   * `heartbeatMs`. Then nobody notices within the keep-alive that the other side has gone:
   * - the client notices by its next packet or heartbeat, up to `heartbeatMs` + `replyTimeoutMs`;
   * - the server notices when API Gateway closes the idle connection after 10 minutes, or at its
   *   own look, up to 13.5 minutes. The Will is late by as much.
   */
  readonly keepAlive?: 'server' | 'local';
  /** Default: the global functions. */
  readonly timers?: Timers;
}
