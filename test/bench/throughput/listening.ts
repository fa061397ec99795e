/** Where a broker listens on loopback, and the credentials of its clients. */
export interface Listening {
  readonly port: number;
  /** Path of the WebSocket; default `/`. */
  readonly path?: string;
  readonly username?: string;
  readonly password?: string;
}

/** Transport of a client: the adapter, binary MQTT over WebSocket, or MQTT over TCP. */
export type Transport = 'adapter' | 'ws' | 'tcp';
