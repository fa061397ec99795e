/** `wisp-mqtt-client/paho`: Paho JS (`paho-mqtt` 1.x) that stays connected with valid tokens. */
import { WispWebSocket } from './index.ts';
import { type Drain, whenDrained } from './renewal/drain.ts';
import { endCauseOf } from './renewal/end-cause.ts';
import { type EndCause, Keeper } from './renewal/keeper.ts';
import type { RenewalOptions } from './renewal/options.ts';
import type { AdapterOptions, NativeWebSocketConstructor, SocketEvent } from './types.ts';

export type { GetToken, RenewalClock, RenewalOptions, TokenReason } from './renewal/options.ts';

/** The part of `Paho.Client` that {@link connectPaho} uses: the package has no types. */
export interface PahoClient {
  connect(options: object): void;
  disconnect(): void;
  isConnected(): boolean;
}

/** Paho's `onSuccess`, and whether the session of the last connection continues. */
export interface PahoSuccess {
  readonly invocationContext?: unknown;
  readonly sessionPresent: boolean;
}

/** Paho's connect options that make sense here, and those that keep the connection open. */
export interface PahoConnectOptions extends RenewalOptions {
  /** Name of the tenant. */
  readonly tenant: string;
  /**
   * Called at each connection. Subscribe here unless `sessionPresent`: Paho does not subscribe
   * again.
   */
  readonly onSuccess?: (success: PahoSuccess) => void;
  /** Told what failed; the next attempt follows. Default: the console. */
  readonly onError?: (error: Error) => void;
  /**
   * Default: false, unlike in Paho. The session then outlives each connection, with its
   * subscriptions and messages of QoS 1 and 2; the client id must be this client's own.
   */
  readonly cleanSession?: boolean;
  /** Seconds. Default: 60, by Paho. */
  readonly keepAliveInterval?: number;
  /** Seconds to wait for CONNACK. Default: 30, by Paho. */
  readonly timeout?: number;
  /** A `Paho.Message`. */
  readonly willMessage?: object;
  readonly invocationContext?: object;
  /** Options of the adapter, such as `{ acknowledge: 'messages' }`. */
  readonly adapter?: AdapterOptions;
}

/** The connection of the moment. */
interface Connection {
  readonly socket: WispWebSocket;
  cause: EndCause;
  sessionPresent: boolean;
  why: string | undefined;
}

const connackByte = 0x20;

/**
 * Connects a `Paho.Client` as soon as `getToken` has answered, and keeps it connected until
 * `client.disconnect()`: a token is renewed before `exp` by a reconnect between two packets, which
 * publishes no Will, and every end of the connection is followed by a reconnect with a fresh token.
 * Between two connections Paho's `send` and `subscribe` throw; each end calls its
 * `onConnectionLost`, with `errorCode` 0 at a renewal.
 *
 * @param client made with the URL of the API's stage: `new Paho.Client('wss://…', 'client-id')`
 */
export function connectPaho(client: PahoClient, options: PahoConnectOptions): void {
  const {
    tenant,
    getToken: _getToken,
    maxReconnectMs: _maxReconnectMs,
    maxRefusedReconnectMs: _maxRefusedReconnectMs,
    clock,
    random: _random,
    onSuccess,
    onError = (error) => console.error('wisp-mqtt-client:', error),
    adapter,
    ...rest
  } = options;
  const disconnect = client.disconnect.bind(client);
  let connection: Connection | undefined;
  let draining: Drain | undefined;
  let isReopening = false;

  const keeper = new Keeper({ open, renew, fail: onError }, options);

  function open(token: string): void {
    const connect = () =>
      client.connect({
        cleanSession: false,
        ...rest,
        userName: tenant,
        password: token,
        // Without it, Paho answers every failure by another attempt, with MQTT 3.1.
        mqttVersion: 4,
        onSuccess: ({ invocationContext }: PahoSuccess) => {
          keeper.opened();
          onSuccess?.({ invocationContext, sessionPresent: opened.sessionPresent });
        },
        onFailure: ({ errorMessage }: { errorMessage?: string }) => {
          opened.why = errorMessage;
          // Paho drops a socket that is still connecting without closing it.
          opened.socket.close();
          ended(opened);
        },
      });
    const opened: Connection = {
      socket: captureSocket(connect, adapter),
      cause: 'lost',
      sessionPresent: false,
      why: undefined,
    };
    connection = opened;
    const { socket } = opened;
    const receive = socket.onmessage;
    socket.onmessage = (event) => {
      readConnack(event, opened);
      receive?.(event);
    };
    socket.addEventListener('error', ({ message }) => {
      opened.why = message;
    });
    socket.addEventListener('drain', () => {
      // The adapter delivers the reply's packets, such as PUBACK, after this event.
      if (draining) void Promise.resolve().then(draining.check);
    });
    socket.addEventListener('close', () => ended(opened));
  }

  function renew(): void {
    if (!connection || !client.isConnected()) return;
    const { socket } = connection;
    // Paho would send unacknowledged messages again.
    draining = whenDrained(
      () => socket.bufferedAmount === 0,
      () => {
        if (!client.isConnected()) return;
        isReopening = true;
        disconnect();
      },
      clock,
    );
  }

  function ended(closed: Connection): void {
    if (closed !== connection) return;
    connection = undefined;
    draining?.cancel();
    draining = undefined;
    if (isReopening) {
      isReopening = false;
      keeper.reopen();
      return;
    }
    if (closed.cause === 'refused') onError(new Error(`the service refuses the client: ${closed.why}`));
    keeper.closed(closed.cause, closed.why);
  }

  client.disconnect = () => {
    keeper.stop();
    draining?.cancel();
    // Paho throws when there is nothing to disconnect, such as before the first token.
    const isOpen = connection !== undefined && !isReopening;
    connection = undefined;
    if (isOpen) disconnect();
  };
  keeper.start();
}

/**
 * Runs Paho's `connect`, which makes its socket by the global `WebSocket`, and returns that socket:
 * the adapter's. The global is replaced for this call only.
 */
function captureSocket(connect: () => void, options: AdapterOptions | undefined): WispWebSocket {
  const scope = globalThis as { WebSocket?: unknown };
  const original = scope.WebSocket;
  let socket: WispWebSocket | undefined;
  scope.WebSocket = class extends WispWebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { WebSocket: original as NativeWebSocketConstructor, ...options });
      socket = this;
    }
  };
  try {
    connect();
  } finally {
    scope.WebSocket = original;
  }
  if (!socket) throw new Error('this is no client of Paho JS: it made no WebSocket');
  return socket;
}

/** Paho tells neither the return code nor Session Present (section 3.2.2 of MQTT 3.1.1). */
function readConnack({ data }: SocketEvent, connection: Connection): void {
  const [first, , flags = 0, code = 0] = new Uint8Array(data as ArrayBuffer);
  if (first !== connackByte) return;
  connection.sessionPresent = (flags & 1) === 1;
  if (code) connection.cause = endCauseOf(code);
}
