import type { NativeWebSocketConstructor } from '../client/index.ts';

export interface BridgeOptions {
  /** The API's stage that speaks `wisp.b64.v1`, such as `wss://example.com/mqtt`. */
  readonly upstreamUrl: string;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** MQTT over TCP. 0 picks a free port; absent: no such listener. */
  readonly mqttPort?: number;
  /** Binary MQTT over WebSocket, path `/mqtt`. 0 picks a free port; absent: no such listener. */
  readonly wsPort?: number;
  /** MQTT over TLS 1.2 or later; key and certificate in PEM. */
  readonly tls?: { readonly port: number; readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Gets one entry per event; none holds tokens or payloads. Default: none. */
  readonly log?: (entry: BridgeLogEntry) => void;
  /** The WebSocket towards `upstreamUrl`. Default: `ws`, which alone can tell clients why a handshake was refused. */
  readonly WebSocket?: NativeWebSocketConstructor;
  /** Clients at once, all listeners together; more are turned away. Default 10,000. */
  readonly maxConnections?: number;
  /** How long a TCP client may be silent before its first byte. Default 10,000. */
  readonly firstByteTimeoutMs?: number;
  /** Bytes that wait for a client that does not read; more end its connection. Default 4 MiB. */
  readonly maxClientBufferBytes?: number;
}

export type Transport = 'tcp' | 'tls' | 'websocket';

export interface BridgeLogEntry {
  readonly event:
    | 'listening'
    | 'connected'
    | 'closed'
    | 'not-mqtt'
    | 'too-many-connections'
    | 'slow-client'
    | 'text-frame'
    | 'refused'
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
  /** Stops listening, ends all clients, sends upstream what they had written, for at most 2 s, and closes. */
  close(): Promise<void>;
}

/** The limits that hold for every client. */
export interface Limits {
  readonly maxConnections: number;
  readonly firstByteTimeoutMs: number;
  readonly maxClientBufferBytes: number;
}
