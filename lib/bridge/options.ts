import type { X509Certificate } from 'node:crypto';
import type { NativeWebSocketConstructor } from '../client/index.ts';
import type { Certificates } from './certificates.ts';

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
  /** MQTT over TLS 1.2 or later, and binary MQTT over WebSocket over TLS. */
  readonly tls?: BridgeTls;
  /**
   * Returns the token that opens the upstream connection of a client with this certificate, which
   * `tls.clientCa` has signed. Tokens that the client itself sends with its WebSocket handshake are
   * then not used. If it rejects, the client is refused (`certificate-refused`) and the log has the
   * error's message.
   */
  readonly tokenForCertificate?: (certificate: X509Certificate) => Promise<string>;
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

export interface BridgeTls extends Certificates {
  /** Port of MQTT over TLS. 0 picks a free one; absent: no such listener. */
  readonly port?: number;
  /** Port of binary MQTT over WebSocket over TLS. 0 picks a free one; absent: no such listener. */
  readonly wssPort?: number;
}

export type Transport = 'tcp' | 'tls' | 'websocket' | 'secure-websocket';

/** Why the bridge refuses or ends a client. docs/errors.md says what to do. */
export const bridgeRefusals = [
  'not-mqtt',
  'tls-on-plain-port',
  'tls-failed',
  'certificate-refused',
  'connect-late',
  'bridge-full',
  'slow-client',
  'text-frame',
  'handshake-refused',
  'upstream-refused',
  'upstream-lost',
  'keep-alive-timeout',
  'packet-too-large',
  'bad-length',
] as const;

export type BridgeRefusal = (typeof bridgeRefusals)[number];

/** What else the log says. */
export interface BridgeLogDetails {
  readonly port?: number;
  /** Close code of the upstream connection, or HTTP status of a refused handshake. */
  readonly code?: number;
  /** Error code such as ECONNRESET, or the message of the error. */
  readonly error?: string;
  /** What the server said with the refusal of a handshake: at most 200 characters. */
  readonly said?: string;
}

export interface BridgeLogEntry extends BridgeLogDetails {
  readonly event:
    | BridgeRefusal
    | 'listening'
    | 'connected'
    | 'closed'
    | 'connection-error'
    | 'listener-error';
  readonly transport: Transport;
  /** IP address of the client. */
  readonly address?: string;
}

/** Logs an event of one client. */
export type Report = (event: BridgeLogEntry['event'], details?: BridgeLogDetails) => void;

export interface Bridge {
  readonly mqttPort?: number;
  readonly tlsPort?: number;
  readonly wsPort?: number;
  readonly wssPort?: number;
  /**
   * Replaces the certificates of new TLS connections.
   *
   * @throws an error with `code` if they cannot be used; the old ones then stay.
   */
  replaceCertificates(certificates: Certificates): void;
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
