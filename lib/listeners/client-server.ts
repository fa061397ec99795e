import type { Report } from './options.ts';

/** Credentials of a handshake: those that the client shows, or a token for its certificate. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly token?: string | undefined;
}

/**
 * What serves the clients of the listeners. `Own` are the events that it adds to the log.
 */
export interface ClientServer<Own extends string = never> {
  /**
   * Called once for each client: over TCP when the header of CONNECT is complete, over WebSocket
   * when the handshake has come. Then either `start` or `abandon` of the admission is called once.
   */
  admit(credentials: Credentials, report: Report<Own>): Admission;
}

export interface Admission {
  /**
   * Resolves when a WebSocket handshake can be answered: without a status it is accepted. TCP,
   * which has no handshake, does not wait for it.
   */
  readonly ready: Promise<HandshakeRefusal | undefined>;
  start(client: ClientSide): Session;
  /** The client has left before `start`. */
  abandon(): void;
}

export interface HandshakeRefusal {
  /** HTTP status. */
  readonly status: number;
}

/** One stock MQTT client on any transport. */
export interface ClientSide {
  /**
   * Ends a client that does not read (`maxClientBufferBytes`, `maxBufferedBytes`), because what
   * sends to it cannot be slowed down. A client that has closed is written nothing.
   */
  write(bytes: Uint8Array): void;
  /**
   * Tells how many bytes of the client wait in its session, also after it has closed.
   * @returns whether there is room for them (`maxBufferedBytes`); else the client must wait or end.
   */
  hold(bytes: number): boolean;
  pause(): void;
  resume(): void;
  /** Flushes, then closes: over WebSocket with 1000 (also for 1005), 1001, or else 1011. */
  end(closeCode: number): void;
  /** Closes at once. @param reason is reported. */
  destroy(reason?: 'slow-client' | 'buffers-full'): void;
}

export interface Session {
  /** Takes bytes from the client. */
  receive(bytes: Uint8Array): void;
  /** The client has closed, or its connection broke. */
  clientClosed(): void;
  /** Resolves when the session has let go of everything. */
  readonly closed: Promise<void>;
  /** Tells the client, flushes and closes. */
  close(): Promise<void>;
  /** Closes at once. */
  terminate(): void;
}
