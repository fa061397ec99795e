import type { X509Certificate } from 'node:crypto';
import type { Certificates } from './certificates.ts';

export interface ListenerOptions<Own extends string = never> {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Port of MQTT over TCP. 0 picks a free one; absent: no such listener. */
  readonly mqttPort?: number;
  /**
   * Port of binary MQTT over WebSocket, path `/mqtt`. 0 picks a free one; absent: no such listener.
   */
  readonly wsPort?: number;
  /** MQTT over TLS 1.2 or later, and binary MQTT over WebSocket over TLS. */
  readonly tls?: ListenerTls;
  /**
   * Returns the token of a client with this certificate, which `tls.clientCa` has signed. Tokens
   * that the client itself sends with its WebSocket handshake are then not used. If it rejects, the
   * client is refused (`certificate-refused`) and the log has the error's message.
   */
  readonly tokenForCertificate?: (certificate: X509Certificate) => Promise<string>;
  /** Receives one entry per event, without tokens and payloads. Default: none. */
  readonly log?: (entry: ListenerLogEntry<Own>) => void;
  /** Bound of clients on all listeners together. Default 10,000. */
  readonly maxConnections?: number;
  /**
   * Bound of connections from one client address: an IPv4 address or the first 64 bits of an IPv6
   * address. Default 1,000: a site of devices behind one address fits in, and no stranger can take
   * more than a tenth of `maxConnections`. Behind a proxy that hides addresses, set it to
   * `maxConnections`.
   */
  readonly maxConnectionsPerAddress?: number;
  /** Time for a TLS handshake, in milliseconds. Default 10,000. */
  readonly tlsHandshakeTimeoutMs?: number;
  /**
   * Time for CONNECT, in milliseconds: over TCP from the connection, over TLS from the end of its
   * handshake, over WebSocket once for the request and once more for CONNECT. Default 10,000.
   */
  readonly connectTimeoutMs?: number;
  /**
   * TLS handshakes that one client address may begin a second, and four times as many at once.
   * Default 50: each takes half a millisecond of CPU, and a site of 1,000 devices is back within
   * 20 s. Behind a proxy that hides addresses, set it to what the process can do: 1,000.
   */
  readonly maxTlsHandshakesPerSecondPerAddress?: number;
  /** A client is disconnected when more bytes than this wait for it to read. Default 4 MiB. */
  readonly maxClientBufferBytes?: number;
  /**
   * Bound of the bytes of all clients that wait in this process, to be read by them or to be
   * handled; 4 KiB of each client do not count. Default 64 MiB: an eighth of 512 MB. Clients that
   * hold more than is left of it are disconnected.
   */
  readonly maxBufferedBytes?: number;
  /** Called for each client that is refused or ended, also where the log has one entry for many. */
  readonly refused?: (reason: ListenerRefusal) => void;
}

export interface ListenerTls extends Certificates {
  /** Port of MQTT over TLS. 0 picks a free one; absent: no such listener. */
  readonly port?: number;
  /** Port of binary MQTT over WebSocket over TLS. 0 picks a free one; absent: no such listener. */
  readonly wssPort?: number;
}

/** Bounds for all clients. */
export type Limits = Required<
  Pick<
    ListenerOptions,
    | 'maxConnections'
    | 'maxConnectionsPerAddress'
    | 'tlsHandshakeTimeoutMs'
    | 'connectTimeoutMs'
    | 'maxClientBufferBytes'
    | 'maxTlsHandshakesPerSecondPerAddress'
    | 'maxBufferedBytes'
  >
>;

export type Transport = 'tcp' | 'tls' | 'websocket' | 'secure-websocket';

/** Why a listener refuses or ends a client. docs/errors.md says what to do. */
export const listenerRefusals = [
  'not-mqtt',
  'tls-on-plain-port',
  'tls-failed',
  'certificate-refused',
  'connect-late',
  'bridge-full',
  'address-full',
  'tls-rate',
  'slow-client',
  'buffers-full',
  'text-frame',
  'adapter-at-bridge',
  'handshake-refused',
  'packet-too-large',
] as const;

export type ListenerRefusal = (typeof listenerRefusals)[number];

export type ListenerEvent =
  | ListenerRefusal
  | 'listening'
  | 'connected'
  | 'connection-error'
  | 'listener-error';

/** What else the log says. */
export interface ListenerLogDetails {
  readonly port?: number;
  /** Close code of a connection, or HTTP status of a refused handshake. */
  readonly code?: number;
  /** Error code such as ECONNRESET, or the message of the error. */
  readonly error?: string;
  /** What the server said with the refusal of a handshake: at most 200 characters. */
  readonly said?: string;
}

export interface ListenerLogEntry<Own extends string = never> extends ListenerLogDetails {
  readonly event: ListenerEvent | Own;
  readonly transport: Transport;
  /** IP address of the client. */
  readonly address?: string;
}

/** Logs an event of one client. */
export type Report<Own extends string = never> = (
  event: ListenerEvent | Own,
  details?: ListenerLogDetails,
) => void;

export interface Listeners {
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
  /** Clients that are connected now, with or without an accepted CONNECT. */
  connections(): number;
  /** Bytes of all clients that wait in this process. */
  bufferedBytes(): number;
  /** Closes the ports. Clients that are connected stay. */
  stopListening(): void;
  /** Stops listening and closes all clients: sessions within 2 s, others at once. */
  close(): Promise<void>;
}
