/**
 * Listeners for stock MQTT clients: TCP, TLS, binary WebSocket, and WebSocket over TLS, in front of
 * whatever serves them ({@link ClientServer}). Of MQTT they know CONNECT's header and how to
 * refuse.
 */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { BufferBudget } from './buffers.ts';
import { type Certificates, secureContextOptions, unusable } from './certificates.ts';
import { clientCertificates, type Identify, reportTlsErrors, withoutToken } from './client-certificates.ts';
import type { ClientServer, Session } from './client-server.ts';
import { HandshakeRate } from './handshake-rate.ts';
import { socketOptions } from './listener.ts';
import { OpenConnections } from './open-connections.ts';
import {
  type Limits,
  type ListenerOptions,
  type ListenerRefusal,
  type Listeners,
  listenerRefusals,
  type Report,
  type Transport,
} from './options.ts';
import { ServerNames, sniOptions } from './server-names.ts';
import { serveTcpClient } from './tcp.ts';
import { httpOptions, serveWebSocketClients } from './websocket.ts';

const closeTimeoutMs = 2_000;
const refusals: ReadonlySet<string> = new Set(listenerRefusals);

function isRefusal(event: string): event is ListenerRefusal {
  return refusals.has(event);
}

/**
 * Starts the listeners of `options`, of which there must be at least one.
 *
 * @throws the error of the listener that failed, such as `code` EADDRINUSE with `port`, or
 *   OpenSSL's if it cannot use the certificates. All listeners are closed then.
 */
export async function startListeners<Own extends string = never>(
  options: ListenerOptions<Own>,
  server: ClientServer<Own>,
): Promise<Listeners> {
  const { host = '127.0.0.1', mqttPort, wsPort, tls, log = () => {}, refused = () => {} } = options;
  const limits: Limits = {
    maxConnections: options.maxConnections ?? 10_000,
    maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? 1_000,
    tlsHandshakeTimeoutMs: options.tlsHandshakeTimeoutMs ?? 10_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    maxTlsHandshakesPerSecondPerAddress: options.maxTlsHandshakesPerSecondPerAddress ?? 50,
    maxClientBufferBytes: options.maxClientBufferBytes ?? 4 * 1024 * 1024,
    maxBufferedBytes: options.maxBufferedBytes ?? 64 * 1024 * 1024,
  };
  const connections = new OpenConnections(limits);
  const handshakes = new HandshakeRate(limits.maxTlsHandshakesPerSecondPerAddress);
  const buffers = new BufferBudget(limits.maxBufferedBytes);
  const sessions = new Set<Session>();
  const listeners: Server[] = [];
  const tlsListeners: TlsServer[] = [];
  const stopped: Promise<unknown>[] = [];

  const reporter =
    (transport: Transport) =>
    (socket: Socket): Report<Own> => {
      // A closed socket no longer knows it.
      const { remoteAddress: address } = socket;
      return (event, details) => {
        if (isRefusal(event)) refused(event);
        log({ event, transport, ...(address === undefined ? {} : { address }), ...details });
      };
    };
  const refuse = (report: Report<Own>, reason: ListenerRefusal, again: boolean) =>
    again ? refused(reason) : report(reason);
  const started = (session: Session) => {
    sessions.add(session);
    void session.closed.then(() => sessions.delete(session));
  };
  const service = { server, limits, connections, buffers, started };
  const serveTcp = (transport: Transport, identify: Identify) => {
    const reportOf = reporter(transport);
    return (socket: Socket) => serveTcpClient(socket, { ...service, identify, report: reportOf(socket) });
  };
  const listen = async (listener: Server, port: number, transport: Transport): Promise<number> => {
    listeners.push(listener);
    const reportOf = reporter(transport);
    listener.prependListener('connection', (socket: Socket) =>
      connections.add(socket, (full, again) => refuse(reportOf(socket), full, again)),
    );
    listener.listen(port, host);
    await once(listener, 'listening');
    stopped.push(new Promise((resolve) => listener.once('close', resolve)));
    listener.on('error', (error: NodeJS.ErrnoException) =>
      log({ event: 'listener-error', transport, error: error.code ?? error.name }),
    );
    const bound = (listener.address() as AddressInfo).port;
    log({ event: 'listening', transport, port: bound });
    return bound;
  };
  const listenTls = (listener: TlsServer, port: number, transport: Transport): Promise<number> => {
    tlsListeners.push(listener);
    const reportOf = reporter(transport);
    reportTlsErrors(listener, reportOf);
    listener.prependListener('connection', (socket: Socket) => {
      const answer = socket.destroyed ? 'granted' : handshakes.take(socket.remoteAddress);
      if (answer === 'granted') return;
      refuse(reportOf(socket), 'tls-rate', answer === 'refused-again');
      socket.destroy();
    });
    return listen(listener, port, transport);
  };
  const stopListening = () => {
    for (const listener of listeners) if (listener.listening) listener.close();
  };
  const close = async () => {
    stopListening();
    const open = [...sessions];
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise((resolve) => {
      timer = setTimeout(resolve, closeTimeoutMs);
    });
    await Promise.race([deadline, Promise.all(open.map((session) => session.close()))]);
    clearTimeout(timer);
    for (const session of sessions) session.terminate();
    for (const socket of connections) socket.destroy();
    await Promise.all(stopped);
  };

  let serverNames: ServerNames;
  try {
    const ports: { mqttPort?: number; tlsPort?: number; wsPort?: number; wssPort?: number } = {};
    if (mqttPort !== undefined)
      ports.mqttPort = await listen(
        createServer(socketOptions, serveTcp('tcp', withoutToken)),
        mqttPort,
        'tcp',
      );
    if (wsPort !== undefined) {
      const listener = createHttpServer(httpOptions(limits));
      serveWebSocketClients(listener, {
        ...service,
        identify: withoutToken,
        reportOf: reporter('websocket'),
      });
      ports.wsPort = await listen(listener, wsPort, 'websocket');
    }
    if (tls !== undefined) {
      serverNames = new ServerNames(tls);
      // The listener decides about the client's certificate: so it can be logged.
      const tlsOptions = {
        ...socketOptions,
        ...secureContextOptions(tls),
        ...sniOptions(tls, () => serverNames),
        requestCert: tls.clientCa !== undefined,
        rejectUnauthorized: false,
        handshakeTimeout: limits.tlsHandshakeTimeoutMs,
      };
      const identify =
        tls.clientCa === undefined ? withoutToken : clientCertificates(options.tokenForCertificate);
      if (tls.port !== undefined) {
        const listener = createTlsServer(tlsOptions);
        listener.on('secureConnection', serveTcp('tls', identify));
        ports.tlsPort = await listenTls(listener, tls.port, 'tls');
      }
      if (tls.wssPort !== undefined) {
        const listener = createHttpsServer({ ...httpOptions(limits), ...tlsOptions });
        serveWebSocketClients(listener, { ...service, identify, reportOf: reporter('secure-websocket') });
        ports.wssPort = await listenTls(listener, tls.wssPort, 'secure-websocket');
      }
    }
    if (listeners.length === 0) throw new TypeError('mqttPort, wsPort or tls is needed');
    const replaceCertificates = (certificates: Certificates) => {
      if ((certificates.clientCa === undefined) !== (tls?.clientCa === undefined))
        throw unusable('whether clients need a certificate is decided at the start: start again');
      serverNames = new ServerNames(certificates);
      const context = secureContextOptions(certificates);
      for (const listener of tlsListeners) listener.setSecureContext(context);
    };
    return {
      ...ports,
      replaceCertificates,
      connections: () => connections.size,
      bufferedBytes: () => buffers.bytes,
      stopListening,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
