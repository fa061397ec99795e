import { protocolLevel } from './connect-header.ts';
import type { BridgeLogEntry, Limits, Transport } from './options.ts';
import type { Upstream } from './upstream.ts';

/**
 * Reading from a client stops above this many unconfirmed bytes. It must exceed the largest packet,
 * which is 128 KiB.
 */
const pauseBytes = 256 * 1024;
const resumeBytes = 128 * 1024;

/** DISCONNECT of MQTT 5.0 with 0x95, Packet too large: the server never sees such a packet. */
const packetTooLarge = Uint8Array.of(0xe0, 1, 0x95);

/** One stock MQTT client on any transport. */
export interface ClientSide {
  readonly transport: Transport;
  /** Bytes written that the client has not read yet. */
  readonly bufferedBytes: () => number;
  write(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  /** Flushes, then closes. `upstreamCode` is the close code of the upstream connection. */
  end(upstreamCode: number): void;
  /** Closes at once. */
  destroy(): void;
}

export interface Session {
  /** Forwards bytes from the client. */
  receive(bytes: Uint8Array): void;
  /** Flushes to upstream, then closes it. */
  clientClosed(): void;
  /** Resolves when upstream is closed. */
  readonly closed: Promise<void>;
  /** Flushes and closes both sides. */
  close(): Promise<void>;
  /** Closes both sides at once. */
  terminate(): void;
}

/**
 * Forwards bytes in both directions between a client and its upstream connection. When one side
 * closes, the other is closed too.
 */
export function startSession(
  client: ClientSide,
  { socket, terminate }: Upstream,
  limits: Limits,
  log: (entry: BridgeLogEntry) => void,
): Session {
  const { transport } = client;
  let isPaused = false;
  let level: number | undefined;
  const closed = new Promise<void>((resolve) => {
    socket.onclose = ({ code = 1006, reason }) => {
      log({ event: 'closed', transport, code });
      if (reason === 'packet-too-large' && level === 5) client.write(packetTooLarge);
      client.end(code);
      resolve();
    };
  });
  socket.onmessage = ({ data }) => {
    client.write(new Uint8Array(data as ArrayBuffer));
    // The server cannot be slowed down, so a client that does not read is disconnected.
    if (client.bufferedBytes() <= limits.maxClientBufferBytes) return;
    log({ event: 'slow-client', transport });
    client.destroy();
    socket.close();
  };
  socket.addEventListener('drain', () => {
    if (!isPaused || socket.bufferedAmount > resumeBytes) return;
    isPaused = false;
    client.resume();
  });
  return {
    closed,
    receive(bytes) {
      level ??= protocolLevel(bytes);
      socket.send(bytes);
      if (isPaused || socket.bufferedAmount <= pauseBytes) return;
      isPaused = true;
      client.pause();
    },
    clientClosed: () => socket.close(),
    close() {
      client.end(1001);
      socket.close();
      return closed;
    },
    terminate() {
      client.destroy();
      terminate();
    },
  };
}
