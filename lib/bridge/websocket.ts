import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { BridgeLogEntry, Limits } from './options.ts';
import { type ClientSide, type Session, startSession } from './session.ts';
import type { Connect, Upstream } from './upstream.ts';

const transport = 'websocket';
/** In order of preference. [MQTT-6.0.0-4 v3+v5] */
const subprotocols = ['mqtt', 'mqttv3.1'];

/** Bounds a WebSocket message, in which libraries may put many packets. */
const maxMessageBytes = 8 * 1024 * 1024;

const endTimeoutMs = 5_000;

/**
 * A listener for binary MQTT over WebSocket at `/mqtt`. It refuses text messages. Packets need not
 * align with messages. It answers a handshake when upstream has answered one with the same
 * credentials, so the client sees the same status.
 *
 * [MQTT-6.0.0-1 v3+v5, MQTT-6.0.0-2 v3+v5]
 */
export function createWebSocketListener(
  connect: Connect,
  limits: Limits,
  log: (entry: BridgeLogEntry) => void,
  isFull: () => boolean,
  started: (session: Session) => void,
): Server {
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
  });
  const http = createServer((_request, response) => {
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket' }).end();
  });
  http.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const url = parseTarget(request.url);
    const status = isFull() ? 503 : checkHandshake(request, url);
    if (!url || status) {
      refuse(stream, status ?? 400, log);
      return;
    }
    const { authorization } = request.headers;
    const upstream = connect({ authorization, token: url.searchParams.get('token') ?? undefined });
    const { socket } = upstream;
    const abandon = () => socket.close();
    stream.once('close', abandon);
    stream.on('error', abandon);
    socket.onclose = () => refuse(stream, refusedStatus(upstream), log);
    socket.onopen = () => {
      stream.removeListener('close', abandon);
      let isAccepted = false;
      webSockets.handleUpgrade(request, stream, head, (client) => {
        isAccepted = true;
        stream.removeListener('error', abandon);
        started(serveClient(client, upstream, limits, log));
      });
      if (!isAccepted) socket.close();
    };
  });
  return http;
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

/** Passes on refusals that concern the client. All other failures are 502 Bad Gateway. */
function refusedStatus({ refusedStatus: statusOf }: Upstream): number {
  const status = statusOf();
  return status !== undefined && status > 400 && status < 500 ? status : 502;
}

function refuse(stream: Duplex, status: number, log: (entry: BridgeLogEntry) => void): void {
  log({ event: status === 503 ? 'bridge-full' : 'handshake-refused', transport, code: status });
  if (!stream.writable) return;
  stream.once('finish', () => stream.destroy());
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  );
}

function serveClient(
  client: WebSocket,
  upstream: Upstream,
  limits: Limits,
  log: (entry: BridgeLogEntry) => void,
): Session {
  log({ event: 'connected', transport });
  const session = startSession(webSocketClientSide(client), upstream, limits, log);
  client.on('message', (data, isBinary) => {
    if (!isBinary) {
      log({ event: 'text-frame', transport });
      client.close(1003);
    } else if (client.readyState === client.OPEN) {
      session.receive(data as Buffer);
    }
  });
  client.on('error', (error: NodeJS.ErrnoException) =>
    log({ event: 'connection-error', transport, error: error.code ?? error.name }),
  );
  client.on('close', () => session.clientClosed());
  return session;
}

function webSocketClientSide(client: WebSocket): ClientSide {
  return {
    transport,
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
