import type { Socket } from 'node:net';
import { readConnectHeader } from './connect-header.ts';
import type { BridgeLogEntry, Limits } from './options.ts';
import { type ClientSide, type Session, startSession } from './session.ts';
import type { Connect } from './upstream.ts';

/** Time for a client to read the rest and close, after upstream has closed. */
const endTimeoutMs = 5_000;

/**
 * Serves one client on TCP or TLS, an ordered and lossless stream of bytes. The upstream connection
 * opens only when the header of CONNECT is complete, so that health checks, port scanners and slow
 * writers cost nothing.
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
  let begun: Uint8Array = new Uint8Array();
  const deadline = setTimeout(() => tcp.destroy(), limits.connectTimeoutMs);
  tcp.on('error', (error: NodeJS.ErrnoException) =>
    log({ event: 'connection-error', transport, error: error.code ?? error.name }),
  );
  tcp.on('data', (bytes) => {
    if (session) {
      session.receive(bytes);
      return;
    }
    begun = Buffer.concat([begun, bytes]);
    const header = readConnectHeader(begun);
    if (header === 'incomplete') return;
    clearTimeout(deadline);
    if (header === 'not-connect') {
      log({ event: 'not-mqtt', transport });
      tcp.destroy();
      return;
    }
    session = startSession(tcpClientSide(tcp, transport), connect({}), limits, log);
    started(session);
    log({ event: 'connected', transport });
    session.receive(begun);
  });
  tcp.on('close', () => {
    clearTimeout(deadline);
    session?.clientClosed();
  });
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
