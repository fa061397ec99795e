/** Where a broker listens on loopback, and the credentials of its clients. */
export interface Listening {
  readonly port: number;
  /** Path of the WebSocket; default `/`. */
  readonly path?: string;
  readonly username?: string;
  readonly password?: string;
}

/** How a client reaches a broker: through the adapter, by binary MQTT over WebSocket, or by MQTT over TCP. */
export type Transport = 'adapter' | 'ws' | 'tcp';
