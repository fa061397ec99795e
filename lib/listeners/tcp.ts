import type { Socket } from 'node:net';
import { reasonCode, refusingConnack } from './answers.ts';
import { AwaitedConnect, nothing } from './awaited-connect.ts';
import { type BufferBudget, BufferedClient, uncountedBytes } from './buffers.ts';
import type { ClientSide, Session } from './client-server.ts';
import { type ConnectHeader, readConnectHeader } from './connect-header.ts';
import { endTimeoutMs, type ListenerService } from './listener.ts';
import type { Report } from './options.ts';

/** Content type of TLS: handshake. */
const tlsHandshakeByte = 0x16;

export interface TcpService<Own extends string> extends ListenerService<Own> {
  readonly report: Report<Own>;
}

/**
 * Serves one client on TCP or TLS, an ordered and lossless stream of bytes. It is admitted only
 * when the header of CONNECT is complete, so that health checks, port scanners and slow writers
 * cost nothing behind the listener.
 *
 * [MQTT-7.1.1-1 v3, MQTT-4.2.0-1 v5]
 */
export function serveTcpClient<Own extends string>(tcp: Socket, service: TcpService<Own>): void {
  const { server, limits, connections, buffers, identify, started, report } = service;
  let session: Session | undefined;
  let begun = nothing;
  const awaited = new AwaitedConnect(limits.connectTimeoutMs, () => {
    report('connect-late');
    tcp.destroy();
  });
  const client = new TcpClientSide(tcp, limits.maxClientBufferBytes, buffers, report);
  const refuse = ({ protocolLevel }: ConnectHeader, code: number) => {
    awaited.end();
    client.write(refusingConnack(protocolLevel, code));
    client.end(1001);
  };
  const start = async (header: ConnectHeader) => {
    tcp.removeListener('data', readHeader);
    tcp.pause();
    let token: string | undefined;
    try {
      token = await identify(tcp);
    } catch (error) {
      report('certificate-refused', { error: error instanceof Error ? error.message : 'unknown' });
      refuse(header, reasonCode.notAuthorized);
      return;
    }
    if (tcp.destroyed) return;
    const admission = server.admit(token === undefined ? {} : { authorization: `Bearer ${token}` }, report);
    const serving = admission.start(client);
    session = serving;
    started(serving);
    report('connected');
    tcp.on('data', (bytes) => {
      awaited.receive(bytes);
      serving.receive(bytes);
    });
    // Before the session gets bytes, because it may pause the client.
    tcp.resume();
    serving.receive(begun);
    begun = nothing;
  };
  const readHeader = (bytes: Uint8Array) => {
    awaited.receive(bytes);
    begun = Buffer.concat([begun, bytes]);
    const header = readConnectHeader(begun);
    if (header === 'incomplete') return;
    if (header === 'not-connect') {
      report(begun[0] === tlsHandshakeByte ? 'tls-on-plain-port' : 'not-mqtt');
      tcp.destroy();
      return;
    }
    const full = connections.fullFor(tcp.remoteAddress);
    if (header.size === 'too-large') {
      report('packet-too-large');
      refuse(header, reasonCode.packetTooLarge);
    } else if (full !== undefined) {
      report(full);
      refuse(header, reasonCode.quotaExceeded);
    } else {
      void start(header);
    }
  };
  tcp.on('error', (error: NodeJS.ErrnoException) =>
    report('connection-error', { error: error.code ?? error.name }),
  );
  tcp.on('data', readHeader);
  tcp.on('close', () => {
    awaited.end();
    client.closed();
    session?.clientClosed();
  });
}

class TcpClientSide extends BufferedClient implements ClientSide {
  readonly #tcp: Socket;
  readonly #maxBufferBytes: number;
  readonly #report: Report;
  #onWritten: (() => void) | undefined;

  constructor(tcp: Socket, maxBufferBytes: number, budget: BufferBudget, report: Report) {
    super(budget);
    this.#tcp = tcp;
    this.#maxBufferBytes = maxBufferBytes;
    this.#report = report;
  }

  write(bytes: Uint8Array): void {
    const tcp = this.#tcp;
    if (!tcp.writable) return;
    if (tcp.writableLength === 0 && bytes.length <= uncountedBytes) {
      tcp.write(bytes);
      return;
    }
    this.#onWritten ??= () => this.count();
    tcp.write(bytes, this.#onWritten);
    const hasRoom = this.count();
    if (tcp.writableLength > this.#maxBufferBytes) this.destroy('slow-client');
    else if (!hasRoom) this.destroy('buffers-full');
  }

  protected unsentBytes(): number {
    return this.#tcp.destroyed ? 0 : this.#tcp.writableLength;
  }

  closed(): void {
    this.count();
  }

  pause(): void {
    this.#tcp.pause();
  }

  resume(): void {
    this.#tcp.resume();
  }

  end(_closeCode: number): void {
    const tcp = this.#tcp;
    if (tcp.destroyed) return;
    const timer = setTimeout(() => tcp.destroy(), endTimeoutMs);
    tcp.once('close', () => clearTimeout(timer));
    tcp.end();
    // Reads until the client closes: closing with unread bytes would reset the connection and
    // lose the last packets.
    tcp.resume();
  }

  destroy(reason?: 'slow-client' | 'buffers-full'): void {
    if (reason !== undefined && !this.#tcp.destroyed) this.#report(reason);
    this.#tcp.destroy();
  }
}
