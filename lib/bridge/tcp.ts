import type { Socket } from 'node:net';
import type { BridgeLogEntry, Limits } from './options.ts';
import { type ClientSide, type Session, startSession } from './session.ts';
import type { Connect } from './upstream.ts';

/** First byte of CONNECT, with which every client must begin. [MQTT-3.1.0-1 v3+v5] */
const connectByte = 0x10;

/** Time for a client to read the rest and close, after upstream has closed. */
const endTimeoutMs = 5_000;

/**
 * Serves one client on TCP or TLS, an ordered and lossless stream of bytes. The upstream connection
 * opens only when the first byte begins a CONNECT, so that health checks and port scanners cost
 * nothing.
 *
 * [MQTT-7.1.1-1 v3, MQTT-4.2.0-1 v5]
 */
export function serveTcpClient(
  tcp: Socket,
  transport: 'tcp' | 'tls',
  connect: Connect,
  limits: Limits,
  log: (entry: BridgeLogEntry) => void,
  started: (session: Session) => void,
): void {
  let session: Session | undefined;
  tcp.setNoDelay(true);
  tcp.setKeepAlive(true, 60_000);
  tcp.setTimeout(limits.firstByteTimeoutMs, () => tcp.destroy());
  tcp.on('error', (error: NodeJS.ErrnoException) =>
    log({ event: 'connection-error', transport, error: error.code ?? error.name }),
  );
  tcp.on('data', (bytes) => {
    if (!session) {
      if (bytes[0] !== connectByte) {
        log({ event: 'not-mqtt', transport });
        tcp.destroy();
        return;
      }
      tcp.setTimeout(0);
      session = startSession(tcpClientSide(tcp, transport), connect({}), limits, log);
      started(session);
      log({ event: 'connected', transport });
    }
    session.receive(bytes);
  });
  tcp.on('close', () => session?.clientClosed());
}

function tcpClientSide(tcp: Socket, transport: 'tcp' | 'tls'): ClientSide {
  return {
    transport,
    bufferedBytes: () => tcp.writableLength,
    write: (bytes) => {
      if (tcp.writable) tcp.write(bytes);
    },
    pause: () => tcp.pause(),
    resume: () => tcp.resume(),
    end: () => {
      if (tcp.destroyed) return;
      const timer = setTimeout(() => tcp.destroy(), endTimeoutMs);
      tcp.once('close', () => clearTimeout(timer));
      tcp.end();
      // Reads until the client closes: closing with unread bytes would reset the connection and
      // lose the last packets.
      tcp.resume();
    },
    destroy: () => tcp.destroy(),
  };
}
