/**
 * The bridge connects stock MQTT clients (TCP, TLS, binary WebSocket) to the wire profile. Of
 * packets it knows boundaries, CONNECT's header, and its own keep-alive. It keeps no state, so any
 * number of bridges can run.
 *
 * [MQTT-7.0.0-2 v3]
 */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { type Certificates, secureContextOptions } from './certificates.ts';
import { clientCertificates, type Identify, reportTlsErrors, withoutToken } from './client-certificates.ts';
import type {
  Bridge,
  BridgeLogDetails,
  BridgeLogEntry,
  BridgeOptions,
  Limits,
  Transport,
} from './options.ts';
import type { Session } from './session.ts';
import { serveTcpClient } from './tcp.ts';
import { createUpstreamConnector } from './upstream.ts';
import { serveWebSocketClients } from './websocket.ts';

export {
  type CertificateFiles,
  type Certificates,
  readCertificates,
  watchCertificates,
} from './certificates.ts';
export {
  type Bridge,
  type BridgeLogEntry,
  type BridgeOptions,
  type BridgeTls,
  bridgeRefusals,
} from './options.ts';

const closeTimeoutMs = 2_000;

/**
 * Connections above `maxConnections` that may stay until they have sent CONNECT, so that it can be
 * answered. All others are closed at once.
 */
const maxWaiting = 100;

/**
 * Starts the listeners of `options`, of which there must be at least one.
 *
 * @throws the error of the listener that failed, such as `code` EADDRINUSE with `port`, or
 *   OpenSSL's if it cannot use the certificates. All listeners are closed then.
 */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { host = '127.0.0.1', mqttPort, wsPort, tls, log = () => {} } = options;
  const limits: Limits = {
    maxConnections: options.maxConnections ?? 10_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    maxClientBufferBytes: options.maxClientBufferBytes ?? 4 * 1024 * 1024,
  };
  const connect = createUpstreamConnector(options.upstreamUrl, options.WebSocket);
  const sockets = new Set<Socket>();
  const sessions = new Set<Session>();
  const listeners: Server[] = [];
  const tlsListeners: TlsServer[] = [];

  const isFull = () => sockets.size > limits.maxConnections;
  const reporter = (transport: Transport) => (socket: Socket) => {
    // A closed socket no longer knows it.
    const { remoteAddress: address } = socket;
    return (event: BridgeLogEntry['event'], details?: BridgeLogDetails) =>
      log({ event, transport, ...(address === undefined ? {} : { address }), ...details });
  };
  const started = (session: Session) => {
    sessions.add(session);
    void session.closed.then(() => sessions.delete(session));
  };
  const service = { connect, limits, isFull, started };
  const serveTcp = (transport: Transport, identify: Identify) => {
    const reportOf = reporter(transport);
    return (socket: Socket) => serveTcpClient(socket, { ...service, identify, report: reportOf(socket) });
  };
  const listen = async (server: Server, port: number, transport: Transport): Promise<number> => {
    listeners.push(server);
    const reportOf = reporter(transport);
    server.prependListener('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      if (sockets.size <= limits.maxConnections + maxWaiting) return;
      reportOf(socket)('bridge-full');
      socket.destroy();
    });
    server.listen(port, host);
    await once(server, 'listening');
    server.on('error', (error: NodeJS.ErrnoException) =>
      log({ event: 'listener-error', transport, error: error.code ?? error.name }),
    );
    const bound = (server.address() as AddressInfo).port;
    log({ event: 'listening', transport, port: bound });
    return bound;
  };
  const listenTls = (server: TlsServer, port: number, transport: Transport): Promise<number> => {
    tlsListeners.push(server);
    reportTlsErrors(server, reporter(transport));
    return listen(server, port, transport);
  };
  const close = async () => {
    const stopped = listeners.filter((server) => server.listening).map((server) => once(server, 'close'));
    for (const server of listeners) server.close();
    const open = [...sessions];
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise((resolve) => {
      timer = setTimeout(resolve, closeTimeoutMs);
    });
    await Promise.race([deadline, Promise.all(open.map((session) => session.close()))]);
    clearTimeout(timer);
    for (const session of sessions) session.terminate();
    for (const socket of sockets) socket.destroy();
    await Promise.all(stopped);
  };

  try {
    const ports: { mqttPort?: number; tlsPort?: number; wsPort?: number; wssPort?: number } = {};
    if (mqttPort !== undefined)
      ports.mqttPort = await listen(createServer(serveTcp('tcp', withoutToken)), mqttPort, 'tcp');
    if (wsPort !== undefined) {
      const server = createHttpServer();
      serveWebSocketClients(server, { ...service, identify: withoutToken, reportOf: reporter('websocket') });
      ports.wsPort = await listen(server, wsPort, 'websocket');
    }
    if (tls !== undefined) {
      // The session decides about the client's certificate: so it can be logged.
      const tlsOptions = {
        ...secureContextOptions(tls),
        requestCert: tls.clientCa !== undefined,
        rejectUnauthorized: false,
        handshakeTimeout: 10_000,
      };
      const identify =
        tls.clientCa === undefined ? withoutToken : clientCertificates(options.tokenForCertificate);
      if (tls.port !== undefined) {
        const server = createTlsServer(tlsOptions);
        server.on('secureConnection', serveTcp('tls', identify));
        ports.tlsPort = await listenTls(server, tls.port, 'tls');
      }
      if (tls.wssPort !== undefined) {
        const server = createHttpsServer(tlsOptions);
        serveWebSocketClients(server, { ...service, identify, reportOf: reporter('secure-websocket') });
        ports.wssPort = await listenTls(server, tls.wssPort, 'secure-websocket');
      }
    }
    if (listeners.length === 0) throw new TypeError('the bridge needs mqttPort, wsPort or tls');
    const replaceCertificates = (certificates: Certificates) => {
      const context = secureContextOptions(certificates);
      for (const server of tlsListeners) server.setSecureContext(context);
    };
    return { ...ports, replaceCertificates, close };
  } catch (error) {
    await close();
    throw error;
  }
}
