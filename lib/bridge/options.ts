import type { NativeWebSocketConstructor } from '../client/index.ts';

export interface BridgeOptions {
  /** URL of the WebSocket API, such as `wss://example.com/mqtt`. */
  readonly upstreamUrl: string;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Port of MQTT over TCP. 0 picks a free one; absent: no such listener. */
  readonly mqttPort?: number;
  /**
   * Port of binary MQTT over WebSocket, path `/mqtt`. 0 picks a free one; absent: no such listener.
   */
  readonly wsPort?: number;
  /** MQTT over TLS 1.2 or later; key and certificate in PEM. */
  readonly tls?: { readonly port: number; readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Receives one entry per event, without tokens and payloads. Default: none. */
  readonly log?: (entry: BridgeLogEntry) => void;
  /**
   * WebSocket towards `upstreamUrl`. Default: `ws`. Only `ws` tells the HTTP status of a refused
   * handshake, which the bridge passes on to its client.
   */
  readonly WebSocket?: NativeWebSocketConstructor;
  /** Bound of clients on all listeners together. Default 10,000. */
  readonly maxConnections?: number;
  /** Time for the header of a TCP client's CONNECT, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** A client is disconnected when more bytes than this wait for it to read. Default 4 MiB. */
  readonly maxClientBufferBytes?: number;
}

export type Transport = 'tcp' | 'tls' | 'websocket';

/** Why the bridge refuses or ends a client. docs/errors.md says what to do. */
export const bridgeRefusals = [
  'not-mqtt',
  'bridge-full',
  'slow-client',
  'text-frame',
  'handshake-refused',
] as const;

export type BridgeRefusal = (typeof bridgeRefusals)[number];

export interface BridgeLogEntry {
  readonly event:
    | BridgeRefusal
    | 'listening'
    | 'connected'
    | 'closed'
    | 'connection-error'
    | 'listener-error';
  readonly transport: Transport;
  readonly port?: number;
  /** Close code of the upstream connection, or HTTP status of a refused handshake. */
  readonly code?: number;
  /** Error code such as ECONNRESET. */
  readonly error?: string;
}

export interface Bridge {
  readonly mqttPort?: number;
  readonly tlsPort?: number;
  readonly wsPort?: number;
  /**
   * Stops listening, disconnects all clients and sends upstream what they have written, within 2 s.
   */
  close(): Promise<void>;
}

/** Bounds for all clients. */
export interface Limits {
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  readonly maxClientBufferBytes: number;
}
