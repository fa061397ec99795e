import type { BridgeLogEntry, Limits, Transport } from './options.ts';
import type { Upstream } from './upstream.ts';

/** Unconfirmed bytes above which a client is no longer read. Must exceed the largest packet, which is 128 KiB. */
const pauseBytes = 256 * 1024;
const resumeBytes = 128 * 1024;

/** One stock MQTT client, whatever it came by. */
export interface ClientSide {
  readonly transport: Transport;
  /** Bytes written that the client has not taken yet. */
  readonly bufferedBytes: () => number;
  write(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  /** Sends what has been written, then closes. `upstreamCode` is the close code of the upstream connection. */
  end(upstreamCode: number): void;
  /** Closes at once. */
  destroy(): void;
}

export interface Session {
  /** The client has sent bytes. */
  receive(bytes: Uint8Array): void;
  /** The client is gone: upstream gets what it had written, then is closed. */
  clientClosed(): void;
  /** Resolves when upstream is closed. */
  readonly closed: Promise<void>;
  /** Ends both sides. */
  close(): Promise<void>;
  /** Ends both sides at once, sending nothing more. */
  terminate(): void;
}

/** Pumps bytes both ways between a client and its upstream connection; each side's end ends the other. */
export function startSession(
  client: ClientSide,
  { socket, terminate }: Upstream,
  limits: Limits,
  log: (entry: BridgeLogEntry) => void,
): Session {
  const { transport } = client;
  let isPaused = false;
  const closed = new Promise<void>((resolve) => {
    socket.onclose = ({ code = 1006 }) => {
      log({ event: 'closed', transport, code });
      client.end(code);
      resolve();
    };
  });
  socket.onmessage = ({ data }) => {
    client.write(new Uint8Array(data as ArrayBuffer));
    // There is no way to slow the server down, so a client that does not read has to go.
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
