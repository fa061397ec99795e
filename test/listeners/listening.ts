import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach } from 'vitest';
import WebSocket from 'ws';
import type { ClientServer, ClientSide } from '../../lib/listeners/client-server.ts';
import { startListeners } from '../../lib/listeners/index.ts';
import type { ListenerLogEntry, ListenerOptions, Listeners } from '../../lib/listeners/options.ts';
import { cert } from '../support/certificate.ts';

/** CONNECT of MQTT 5.0 with a keep-alive of 60 seconds. */
export const connectPacket = Buffer.from('100d00044d5154540502003c000000', 'hex');
const connack = Buffer.from('2003000000', 'hex');

/** Run after each test, last one first. */
export const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** What reached the server behind the listeners for one client. */
export interface Served {
  readonly client: ClientSide;
  received: number;
  isClosed: boolean;
}

/**
 * Starts listeners before a server that answers a complete CONNECT with CONNACK and counts the
 * rest.
 */
export async function startListening(options: ListenerOptions) {
  const admitted = { count: 0, abandoned: 0 };
  const sessions: Served[] = [];
  const entries: ListenerLogEntry[] = [];
  const server: ClientServer = {
    admit() {
      admitted.count += 1;
      return {
        ready: Promise.resolve(undefined),
        abandon() {
          admitted.abandoned += 1;
        },
        start: (client) => serve(client, sessions),
      };
    },
  };
  const listeners = await startListeners({ ...options, log: (entry) => entries.push(entry) }, server);
  cleanUps.push(listeners.close);
  const logged = (event: string) => entries.filter((entry) => entry.event === event);
  return { listeners, admitted, sessions, entries, logged };
}

function serve(client: ClientSide, sessions: Served[]) {
  const served: Served = { client, received: 0, isClosed: false };
  sessions.push(served);
  let onClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve;
  });
  const clientClosed = () => {
    served.isClosed = true;
    onClosed();
  };
  return {
    closed,
    receive(bytes: Uint8Array) {
      const before = served.received;
      served.received += bytes.length;
      if (before < connectPacket.length && served.received >= connectPacket.length) client.write(connack);
    },
    clientClosed,
    close() {
      client.end(1001);
      return closed;
    },
    terminate: () => client.destroy(),
  };
}

export function tcpTo({ mqttPort = 0 }: Listeners): Socket {
  const socket = connect(mqttPort, '127.0.0.1');
  socket.on('error', () => {});
  cleanUps.push(() => socket.destroy());
  return socket;
}

export function tlsTo({ tlsPort = 0 }: Listeners, servername = 'localhost', verifies = true): TLSSocket {
  const options = { port: tlsPort, host: '127.0.0.1', servername, ca: cert };
  const socket = connectTls({ ...options, rejectUnauthorized: verifies });
  socket.on('error', () => {});
  cleanUps.push(() => socket.destroy());
  return socket;
}

export function webSocketTo({ wsPort }: Listeners, protocols = ['mqtt'], path = '/mqtt'): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${wsPort}${path}`, protocols);
  socket.on('error', () => {});
  cleanUps.push(() => socket.terminate());
  return socket;
}

/** The client after its CONNACK. */
export async function connectedTcp(listeners: Listeners): Promise<Socket> {
  const socket = tcpTo(listeners);
  socket.write(connectPacket);
  await once(socket, 'data');
  return socket;
}

/** The client after its CONNACK. */
export async function connectedWebSocket(listeners: Listeners): Promise<WebSocket> {
  const socket = webSocketTo(listeners);
  await once(socket, 'open');
  socket.send(connectPacket);
  await once(socket, 'message');
  return socket;
}

/** The close code, if there is one. An error before the close does not count. */
export function closeOf(socket: Socket | WebSocket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

/** Everything that the other side writes until it closes. */
export async function readToEnd(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (bytes) => chunks.push(bytes));
  if (!socket.closed) await closeOf(socket);
  return Buffer.concat(chunks);
}

/** Writes `bytes` one at a time, each when the one before has left, until the socket closes. */
export async function drip(socket: Socket, bytes: Iterable<number>): Promise<number> {
  let written = 0;
  socket.setNoDelay(true);
  for (const byte of bytes) {
    if (socket.destroyed) break;
    await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    await new Promise((resolve) => setImmediate(resolve));
    written += 1;
  }
  return written;
}

export function* endless(byte: number): Iterable<number> {
  for (;;) yield byte;
}
