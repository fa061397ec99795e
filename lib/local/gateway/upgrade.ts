import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Core } from './core.ts';
import { errorBody } from './error-body.ts';
import { connectEvent, type Peer } from './events.ts';
import { closeCodeOf, limitFrames } from './frames.ts';
import { handshakeFault, identityOf, isToken, readHandshake } from './handshake.ts';
import { createId } from './ids.ts';
import type { Outcome } from './invoker.ts';
import { maxMessageBytes, maxUrlBytes } from './limits.ts';
import { receiveMessage } from './messages.ts';
import { type IamAuthorization, isSigned } from './signature.ts';

/** Milliseconds that a client has to answer a close frame. */
const closeTimeout = 2_000;

/** What `$disconnect` reports if the client closed without a status (RFC 6455 7.1.5). */
const noStatus = { code: 1005, reason: 'Client-side close frame status not set' };

export interface Upgrades {
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Refuses new handshakes and abandons those whose `$connect` is running. */
  stop(): void;
}

/** @param iam who may connect; undefined: anyone. */
export function createUpgrades(core: Core, iam?: IamAuthorization): Upgrades {
  const { api, clock, connections, faults, invoker, log, meters, random, tasks } = core;
  const subprotocols = new WeakMap<IncomingMessage, string>();
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    handleProtocols: () => false as const,
    closeTimeout,
  };
  const server = new WebSocketServer(options);
  server.on('headers', (headers, request) => {
    // Not checked against the client's offer: as in AWS, the client fails on a wrong one.
    const subprotocol = subprotocols.get(request);
    if (subprotocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  });
  const pending = new Set<Duplex>();
  let stopped = false;

  function refuse(socket: Duplex, status: number, message: string, connectionId: string, requestId: string) {
    meters.refusedConnects++;
    log({ event: 'connectRefused', connectionId, requestId, status, reason: message });
    const body = errorBody(message, connectionId, requestId);
    socket.once('finish', () => socket.destroy());
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nx-amzn-RequestId: ${requestId}\r\nConnection: close\r\n\r\n${body}`,
    );
  }

  async function connect(request: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer): Promise<void> {
    const { connectionId } = peer;
    const event = connectEvent(api, peer, readHandshake(request, clock.now()), clock.now());
    const { requestId } = event.requestContext;
    const call = { route: '$connect', connectionId, event, random } as const;
    const lost = () => socket.destroy();
    socket.on('error', lost);
    pending.add(socket);
    if (faults.cut?.(call, 'invoke')) socket.destroy();
    const outcome = await invoker.run(call);
    pending.delete(socket);
    socket.off('error', lost);

    const verdict = judge(outcome);
    if ('status' in verdict) {
      socket.on('error', lost);
      refuse(socket, verdict.status, verdict.message, connectionId, requestId);
      return;
    }
    if (verdict.subprotocol !== undefined) subprotocols.set(request, verdict.subprotocol);
    let connected = false;
    if (!socket.destroyed) {
      server.handleUpgrade(request, socket, head, (webSocket) => {
        connected = true;
        log({ event: 'connect', connectionId, requestId });
        serve(webSocket, peer);
      });
    }
    // The client left while the function accepted it.
    if (!connected) core.disconnected(peer, { code: 1006, reason: '' });
  }

  function serve(webSocket: WebSocket, peer: Peer): void {
    limitFrames(webSocket);
    const connection = connections.open(peer, webSocket);
    webSocket.on('message', (data: RawData) => {
      if (Buffer.isBuffer(data) && connections.get(peer.connectionId)) receiveMessage(core, connection, data);
    });
    webSocket.on('error', (error) => {
      connections.end(connection, { code: closeCodeOf(error), reason: '' });
    });
    webSocket.on('close', (code, reason) => {
      connections.end(
        connection,
        code === noStatus.code ? noStatus : { code, reason: reason.toString('utf8') },
      );
    });
  }

  return {
    accept(request, socket, head) {
      const url = request.url ?? '';
      const refuseEarly = (status: number, message: string) => {
        socket.on('error', () => socket.destroy());
        refuse(socket, status, message, createId(), createId());
      };
      if (stopped) return refuseEarly(503, 'Service Unavailable');
      const urlBytes = `wss://${request.headers.host ?? ''}${url}`.length;
      if (urlBytes > maxUrlBytes) return refuseEarly(414, 'URI Too Long');
      if (url.split('?', 1)[0] !== `/${api.stage}`) return refuseEarly(403, 'Forbidden');
      const fault = handshakeFault(request);
      if (fault !== undefined) return refuseEarly(400, fault);

      const nowMs = clock.now();
      if (iam !== undefined && !isSigned(request, iam, nowMs)) return refuseEarly(403, 'Forbidden');
      const peer = { connectionId: createId(), connectedAtMs: nowMs, identity: identityOf(request) };
      tasks.run(() => connect(request, socket, head, peer));
    },
    stop() {
      stopped = true;
      for (const socket of pending) socket.destroy();
    },
  };
}

type Verdict =
  | { readonly subprotocol: string | undefined }
  | { readonly status: number; readonly message: string };

/**
 * 2xx connects; 4xx and 5xx are passed on. AWS does not document 1xx and 3xx: here they are errors.
 */
function judge(outcome: Outcome): Verdict {
  if (outcome.kind === 'timedOut') return { status: 504, message: 'Endpoint request timed out' };
  const internal = { status: 502, message: 'Internal server error' };
  if (outcome.kind === 'failed') return internal;
  const { statusCode, headers } = outcome.result;
  if (statusCode >= 400 && statusCode <= 599) {
    return { status: statusCode, message: STATUS_CODES[statusCode] ?? 'Error' };
  }
  const subprotocol = headers.get('sec-websocket-protocol');
  const connects =
    statusCode >= 200 && statusCode <= 299 && (subprotocol === undefined || isToken(subprotocol));
  return connects ? { subprotocol } : internal;
}
