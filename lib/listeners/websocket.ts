import {
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { subprotocol as adapterSubprotocol, wrongPortCloseCode } from '../wire/limits.ts';
import { AwaitedConnect } from './awaited-connect.ts';
import { type BufferBudget, BufferedClient, uncountedBytes } from './buffers.ts';
import type { Identify } from './client-certificates.ts';
import type { Admission, ClientSide, Credentials, Session } from './client-server.ts';
import { endTimeoutMs, type ListenerService, socketOptions } from './listener.ts';
import type { Limits, Report } from './options.ts';

/** In order of preference. [MQTT-6.0.0-4 v3+v5] */
const subprotocols = ['mqtt', 'mqttv3.1'];

/** Bounds a WebSocket message, in which libraries may put many packets. */
const maxMessageBytes = 8 * 1024 * 1024;

/** At most 123 bytes, the room of a close frame. */
const wrongPort =
  'this port serves stock MQTT clients; wisp-mqtt-client connects to the gateway, or leave it out';

const refusalTexts: Readonly<Record<number, string>> = {
  400: 'Offer the WebSocket subprotocol mqtt.\n',
  404: 'MQTT over WebSocket is at the path /mqtt.\n',
};

/**
 * Bytes on the way to CONNECT, of which the WebSocket buffers messages that are not complete. It
 * exceeds the largest CONNECT, which is 128 KiB.
 */
const maxBytesBeforeConnect = 262_144;

/** As API Gateway: 10,240 bytes of headers, and a URL of 4,096 with a token. */
const maxHeaderBytes = 16_384;

/** How often late requests are looked for. */
const maxCheckEveryMs = 1_000;

/** Settings of the HTTP server under the WebSockets. It serves one request for each connection. */
export function httpOptions({ connectTimeoutMs }: Pick<Limits, 'connectTimeoutMs'>): ServerOptions {
  return {
    ...socketOptions,
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: connectTimeoutMs,
    requestTimeout: connectTimeoutMs,
    connectionsCheckingInterval: Math.min(connectTimeoutMs, maxCheckEveryMs),
    insecureHTTPParser: false,
  };
}

export interface WebSocketService<Own extends string> extends ListenerService<Own> {
  readonly reportOf: (socket: Socket) => Report<Own>;
}

/**
 * Serves binary MQTT over WebSocket at `/mqtt` of an HTTP or HTTPS server. It refuses text
 * messages. Packets need not align with messages. It answers a handshake when the admission is
 * ready, so the client sees its status.
 *
 * [MQTT-6.0.0-1 v3+v5, MQTT-6.0.0-2 v3+v5]
 */
export function serveWebSocketClients<Own extends string>(
  http: Server | HttpsServer,
  service: WebSocketService<Own>,
): void {
  const { server, limits, connections, buffers, identify, started, reportOf } = service;
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) =>
      [...subprotocols, adapterSubprotocol].find((name) => offered.has(name)) ?? false,
  });
  http.maxRequestsPerSocket = 1;
  http.on('request', (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket' }).end();
  });
  http.on('clientError', (error: NodeJS.ErrnoException, stream: Socket) => {
    // TLS errors are reported where they happen.
    const status = statusOfError(error.code);
    if (status === undefined) stream.destroy();
    else {
      reportOf(stream)('handshake-refused', { code: status });
      refuse(stream, status);
    }
  });
  http.on('upgrade', async (request: IncomingMessage, stream: Socket, head: Buffer) => {
    const report = reportOf(stream);
    const url = parseTarget(request.url);
    const full = connections.fullFor(stream.remoteAddress);
    const offered = offeredSubprotocols(request);
    const status = full === undefined ? checkHandshake(offered, url) : 503;
    let isGone = false;
    let admission: Admission | undefined;
    const leave = () => {
      if (isGone) return;
      isGone = true;
      admission?.abandon();
    };
    stream.once('close', leave);
    stream.on('error', leave);
    if (status === 'adapter') {
      // A browser tells its page nothing of a refused handshake, but the reason of a close.
      report('adapter-at-bridge');
      webSockets.handleUpgrade(request, stream, head, (client) => {
        client.on('error', () => {});
        client.close(wrongPortCloseCode, wrongPort);
      });
      return;
    }
    if (!url || status) {
      report(full ?? 'handshake-refused', { code: status ?? 400 });
      refuse(stream, status ?? 400);
      return;
    }
    const credentials = await credentialsOf(request, url, identify).catch((error: unknown) => {
      report('certificate-refused', { error: error instanceof Error ? error.message : 'unknown' });
      refuse(stream, 401);
    });
    if (credentials === undefined || isGone) return;
    const admitted = server.admit(credentials, report);
    admission = admitted;
    const refusal = await admitted.ready;
    if (isGone) return;
    if (refusal !== undefined) {
      isGone = true;
      refuse(stream, refusal.status);
      return;
    }
    stream.removeListener('close', leave);
    let isAccepted = false;
    webSockets.handleUpgrade(request, stream, head, (client) => {
      isAccepted = true;
      stream.removeListener('error', leave);
      started(serveClient(client, stream, admitted, { limits, buffers, report }));
    });
    if (!isAccepted) leave();
  });
}

/** A token for the client's certificate replaces what the client shows itself. */
async function credentialsOf(request: IncomingMessage, url: URL, identify: Identify): Promise<Credentials> {
  const token = await identify(request.socket);
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  const { authorization } = request.headers;
  return { authorization, token: url.searchParams.get('token') ?? undefined };
}

function parseTarget(target = '/'): URL | undefined {
  try {
    return new URL(target, 'ws://listener');
  } catch {
    return undefined;
  }
}

function offeredSubprotocols({ headers }: IncomingMessage): string[] {
  return (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
}

/** The status of a refusal, or that the client comes with the adapter, which belongs elsewhere. */
function checkHandshake(offered: readonly string[], url: URL | undefined): number | 'adapter' | undefined {
  if (subprotocols.some((name) => offered.includes(name))) return url?.pathname === '/mqtt' ? undefined : 404;
  if (offered.includes(adapterSubprotocol)) return 'adapter';
  return url?.pathname === '/mqtt' ? 400 : 404;
}

/** HTTP status for an error of Node's HTTP parser; undefined for other errors. */
function statusOfError(code = ''): number | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code.startsWith('HPE_') ? 400 : undefined;
}

function refuse(stream: Socket, status: number): void {
  if (!stream.writable) return;
  const text = refusalTexts[status] ?? '';
  stream.once('finish', () => stream.destroy());
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n` +
      `Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

function serveClient(
  client: WebSocket,
  stream: Socket,
  admission: Admission,
  { limits, buffers, report }: { limits: Limits; buffers: BufferBudget; report: Report },
): Session {
  report('connected');
  const side = new WebSocketClientSide(client, limits.maxClientBufferBytes, buffers, report);
  const session = admission.start(side);
  const awaited = new AwaitedConnect(limits.connectTimeoutMs, () => {
    report('connect-late');
    client.terminate();
  });
  let received = 0;
  // Before the WebSocket reads them.
  stream.prependListener('data', (bytes: Buffer) => {
    side.reads(bytes.length);
    if (awaited.isOver) return;
    received += bytes.length;
    if (received <= maxBytesBeforeConnect) return;
    awaited.end();
    report('packet-too-large');
    client.terminate();
  });
  client.on('message', (data, isBinary) => {
    side.hasMessage((data as Buffer).length);
    if (client.readyState !== client.OPEN) return;
    if (!isBinary) {
      report('text-frame');
      client.close(1003, 'MQTT goes in binary frames');
    } else {
      awaited.receive(data as Buffer);
      session.receive(data as Buffer);
    }
  });
  client.on('error', (error: NodeJS.ErrnoException) =>
    report('connection-error', { error: error.code ?? error.name }),
  );
  client.on('close', () => {
    awaited.end();
    side.closed();
    session.clientClosed();
  });
  return session;
}

/** Of a masked frame with that many bytes. */
function frameHeaderBytes(bytes: number): number {
  return bytes < 126 ? 6 : bytes < 65_536 ? 8 : 14;
}

class WebSocketClientSide extends BufferedClient implements ClientSide {
  readonly #client: WebSocket;
  readonly #maxBufferBytes: number;
  readonly #report: Report;
  /** Bytes that have come behind the last message that is complete. */
  #unfinishedBytes = 0;
  #lastReadBytes = 0;
  #onWritten: (() => void) | undefined;

  constructor(client: WebSocket, maxBufferBytes: number, budget: BufferBudget, report: Report) {
    super(budget);
    this.#client = client;
    this.#maxBufferBytes = maxBufferBytes;
    this.#report = report;
  }

  /** Bytes come, which the WebSocket keeps until a message is complete. */
  reads(bytes: number): void {
    this.#lastReadBytes = bytes;
    this.#unfinishedBytes += bytes;
    if (this.#unfinishedBytes > uncountedBytes && !this.count()) this.destroy('buffers-full');
  }

  /** A message is complete. What is left has come with its end. */
  hasMessage(bytes: number): void {
    const wasCounted = this.#unfinishedBytes > uncountedBytes;
    const left = this.#unfinishedBytes - bytes - frameHeaderBytes(bytes);
    this.#unfinishedBytes = Math.max(0, Math.min(left, this.#lastReadBytes));
    if (wasCounted) this.count();
  }

  write(bytes: Uint8Array): void {
    const client = this.#client;
    if (client.readyState !== client.OPEN) return;
    if (client.bufferedAmount === 0 && bytes.length <= uncountedBytes) {
      client.send(bytes, { binary: true });
      return;
    }
    this.#onWritten ??= () => this.count();
    client.send(bytes, { binary: true }, this.#onWritten);
    const hasRoom = this.count();
    if (client.bufferedAmount > this.#maxBufferBytes) this.destroy('slow-client');
    else if (!hasRoom) this.destroy('buffers-full');
  }

  protected unsentBytes(): number {
    const client = this.#client;
    if (client.readyState === client.CLOSED) return 0;
    return client.bufferedAmount + (this.#unfinishedBytes > uncountedBytes ? this.#unfinishedBytes : 0);
  }

  closed(): void {
    this.count();
  }

  pause(): void {
    this.#client.pause();
  }

  resume(): void {
    this.#client.resume();
  }

  end(closeCode: number): void {
    const client = this.#client;
    if (client.readyState === client.CLOSED) return;
    const timer = setTimeout(() => client.terminate(), endTimeoutMs);
    client.once('close', () => clearTimeout(timer));
    client.close(closeCode === 1000 || closeCode === 1005 ? 1000 : closeCode === 1001 ? 1001 : 1011);
    client.resume();
  }

  destroy(reason?: 'slow-client' | 'buffers-full'): void {
    if (reason !== undefined && this.#client.readyState === this.#client.OPEN) this.#report(reason);
    this.#client.terminate();
  }
}
