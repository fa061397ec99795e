import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Identify } from './client-certificates.ts';
import { endTimeoutMs, type ListenerService } from './listener.ts';
import type { Limits, Report } from './options.ts';
import { type ClientSide, type Session, startSession } from './session.ts';
import type { Credentials, Upstream } from './upstream.ts';

/** In order of preference. [MQTT-6.0.0-4 v3+v5] */
const subprotocols = ['mqtt', 'mqttv3.1'];

/** Bounds a WebSocket message, in which libraries may put many packets. */
const maxMessageBytes = 8 * 1024 * 1024;

export interface WebSocketService extends ListenerService {
  readonly reportOf: (socket: Socket) => Report;
}

/**
 * Serves binary MQTT over WebSocket at `/mqtt` of an HTTP or HTTPS server. It refuses text
 * messages. Packets need not align with messages. It answers a handshake when upstream has answered
 * one with the same credentials, so the client sees the same status.
 *
 * [MQTT-6.0.0-1 v3+v5, MQTT-6.0.0-2 v3+v5]
 */
export function serveWebSocketClients(http: Server | HttpsServer, service: WebSocketService): void {
  const { connect, limits, isFull, identify, started, reportOf } = service;
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
  });
  http.on('request', (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket' }).end();
  });
  http.on('upgrade', async (request: IncomingMessage, stream: Socket, head: Buffer) => {
    const report = reportOf(stream);
    const url = parseTarget(request.url);
    const status = isFull() ? 503 : checkHandshake(request, url);
    let isGone = false;
    let abandon = () => {
      isGone = true;
    };
    const leave = () => abandon();
    stream.once('close', leave);
    stream.on('error', leave);
    if (!url || status) {
      report(status === 503 ? 'bridge-full' : 'handshake-refused', { code: status ?? 400 });
      refuse(stream, status ?? 400);
      return;
    }
    const credentials = await credentialsOf(request, url, identify).catch((error: unknown) => {
      report('certificate-refused', { error: error instanceof Error ? error.message : 'unknown' });
      refuse(stream, 401);
    });
    if (credentials === undefined || isGone) return;
    const upstream = connect(credentials);
    const { socket } = upstream;
    abandon = () => socket.close();
    let failure: string | undefined;
    socket.onerror = ({ message }) => {
      failure = message;
    };
    socket.onclose = () => {
      const refusal = upstream.refusal();
      const code = passedOn(refusal?.code);
      if (refusal) report('handshake-refused', refusal);
      else if (stream.writable) report('upstream-refused', failure === undefined ? {} : { error: failure });
      refuse(stream, code);
    };
    socket.onopen = () => {
      stream.removeListener('close', leave);
      let isAccepted = false;
      webSockets.handleUpgrade(request, stream, head, (client) => {
        isAccepted = true;
        stream.removeListener('error', leave);
        started(serveClient(client, upstream, limits, report));
      });
      if (!isAccepted) socket.close();
    };
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
    return new URL(target, 'ws://bridge');
  } catch {
    return undefined;
  }
}

function checkHandshake(request: IncomingMessage, url: URL | undefined): number | undefined {
  if (url?.pathname !== '/mqtt') return 404;
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return subprotocols.some((name) => offered.includes(name)) ? undefined : 400;
}

/** Refusals that concern the client keep their status. All other failures are 502 Bad Gateway. */
function passedOn(status: number | undefined): number {
  return status !== undefined && status > 400 && status < 500 ? status : 502;
}

function refuse(stream: Socket, status: number): void {
  if (!stream.writable) return;
  stream.once('finish', () => stream.destroy());
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  );
}

function serveClient(client: WebSocket, upstream: Upstream, limits: Limits, report: Report): Session {
  report('connected');
  const session = startSession(webSocketClientSide(client), upstream, limits, report);
  client.on('message', (data, isBinary) => {
    if (!isBinary) {
      report('text-frame');
      client.close(1003);
    } else if (client.readyState === client.OPEN) {
      session.receive(data as Buffer);
    }
  });
  client.on('error', (error: NodeJS.ErrnoException) =>
    report('connection-error', { error: error.code ?? error.name }),
  );
  client.on('close', () => session.clientClosed());
  return session;
}

function webSocketClientSide(client: WebSocket): ClientSide {
  return {
    bufferedBytes: () => client.bufferedAmount,
    write: (bytes) => {
      if (client.readyState === client.OPEN) client.send(bytes, { binary: true });
    },
    pause: () => client.pause(),
    resume: () => client.resume(),
    end: (upstreamCode) => {
      if (client.readyState === client.CLOSED) return;
      const timer = setTimeout(() => client.terminate(), endTimeoutMs);
      client.once('close', () => clearTimeout(timer));
      client.close(
        upstreamCode === 1000 || upstreamCode === 1005 ? 1000 : upstreamCode === 1001 ? 1001 : 1011,
      );
      client.resume();
    },
    destroy: () => client.terminate(),
  };
}
