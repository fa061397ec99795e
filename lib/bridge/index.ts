/**
 * The bridge connects stock MQTT clients (TCP, TLS, binary WebSocket) to the wire profile. It knows
 * packet boundaries, not packet contents, and keeps no state, so any number of bridges can run.
 *
 * [MQTT-7.0.0-2 v3]
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Bridge, BridgeOptions, Limits, Transport } from './options.ts';
import type { Session } from './session.ts';
import { serveTcpClient } from './tcp.ts';
import { createUpstreamConnector } from './upstream.ts';
import { createWebSocketListener } from './websocket.ts';

export { type Bridge, type BridgeLogEntry, type BridgeOptions, bridgeRefusals } from './options.ts';

const closeTimeoutMs = 2_000;

/**
 * Starts the listeners of `options`, of which there must be at least one.
 *
 * @throws the error of the listener that failed, such as `code` EADDRINUSE with `port`. All
 *   listeners are closed then.
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

  const isFull = () => sockets.size > limits.maxConnections;
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const started = (session: Session) => {
    sessions.add(session);
    void session.closed.then(() => sessions.delete(session));
  };
  const serve = (transport: 'tcp' | 'tls') => (socket: Socket) => {
    if (!isFull()) return serveTcpClient(socket, transport, connect, limits, log, started);
    log({ event: 'bridge-full', transport });
    socket.destroy();
  };
  const listen = async (server: Server, port: number, transport: Transport): Promise<number> => {
    listeners.push(server);
    server.prependListener('connection', track);
    server.listen(port, host);
    await once(server, 'listening');
    server.on('error', (error: NodeJS.ErrnoException) =>
      log({ event: 'listener-error', transport, error: error.code ?? error.name }),
    );
    const bound = (server.address() as AddressInfo).port;
    log({ event: 'listening', transport, port: bound });
    return bound;
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
    const ports: { mqttPort?: number; tlsPort?: number; wsPort?: number } = {};
    if (mqttPort !== undefined) ports.mqttPort = await listen(createServer(serve('tcp')), mqttPort, 'tcp');
    if (tls) {
      const server = createTlsServer({
        key: tls.key,
        cert: tls.cert,
        minVersion: 'TLSv1.2',
        handshakeTimeout: 10_000,
      });
      server.on('secureConnection', serve('tls'));
      ports.tlsPort = await listen(server, tls.port, 'tls');
    }
    if (wsPort !== undefined) {
      const server = createWebSocketListener(connect, limits, log, isFull, started);
      ports.wsPort = await listen(server, wsPort, 'websocket');
    }
    if (listeners.length === 0) throw new TypeError('the bridge needs mqttPort, wsPort or tls');
    return { ...ports, close };
  } catch (error) {
    await close();
    throw error;
  }
}
