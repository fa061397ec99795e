import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { cert, key } from '../support/certificate.ts';
import {
  cleanUps,
  closeOf,
  connectedTcp,
  connectedWebSocket,
  drip,
  endless,
  readToEnd,
  startListening,
  tcpTo,
  tlsTo,
  webSocketTo,
} from './listening.ts';

/** CONNECT whose remaining length announces 100,000 bytes. */
const longConnect = Buffer.from('10a08d0600044d5154540502003c', 'hex');

describe('a client that takes its time for CONNECT', () => {
  it('a byte at a time is closed when the time is over, though it never pauses', async () => {
    const { listeners, admitted, logged } = await startListening({ mqttPort: 0, connectTimeoutMs: 100 });
    const sockets = Array.from({ length: 20 }, () => tcpTo(listeners));
    await Promise.all(sockets.map((socket) => drip(socket, longConnect.subarray(0, 13))));
    await Promise.all(sockets.map((socket) => (socket.closed ? undefined : closeOf(socket))));
    expect(admitted.count).toBe(0);
    expect(logged('connect-late')).toHaveLength(20);
  });

  it('is closed too when the header is complete and the rest drips in', async () => {
    const { listeners, sessions, logged } = await startListening({ mqttPort: 0, connectTimeoutMs: 100 });
    const socket = tcpTo(listeners);
    socket.write(longConnect);
    await drip(socket, endless(0));
    await expect.poll(() => sessions).toMatchObject([{ isClosed: true }]);
    expect(logged('connect-late')).toHaveLength(1);
  });

  it('over WebSocket is closed in the same way, in frames of a byte or silent', async () => {
    const { listeners, sessions, logged } = await startListening({ wsPort: 0, connectTimeoutMs: 100 });
    const silent = webSocketTo(listeners);
    const dripping = webSocketTo(listeners);
    await Promise.all([once(silent, 'open'), once(dripping, 'open')]);
    const ended = Promise.all([closeOf(silent), closeOf(dripping)]);
    dripping.send(longConnect);
    while (dripping.readyState === dripping.OPEN) {
      dripping.send(Buffer.of(0));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    await expect.poll(() => sessions).toMatchObject([{ isClosed: true }, { isClosed: true }]);
    expect(logged('connect-late')).toHaveLength(2);
  });

  it('is not closed later when CONNECT came in time', async () => {
    const { listeners, logged } = await startListening({ mqttPort: 0, wsPort: 0, connectTimeoutMs: 30 });
    const tcp = await connectedTcp(listeners);
    const webSocket = await connectedWebSocket(listeners);
    const late = tcpTo(listeners);
    await closeOf(late);
    expect([tcp.destroyed, webSocket.readyState]).toEqual([false, webSocket.OPEN]);
    expect(logged('connect-late')).toHaveLength(1);
  });
});

describe('a TLS handshake', () => {
  it('that never begins, never ends or drips in is closed when its time is over', async () => {
    const { listeners, logged } = await startListening({
      tls: { port: 0, wssPort: 0, cert, key },
      tlsHandshakeTimeoutMs: 100,
    });
    const hello = await clientHello();
    for (const port of [listeners.tlsPort, listeners.wssPort]) {
      const open = () => {
        const socket = connect(port ?? 0, '127.0.0.1');
        socket.on('error', () => {});
        cleanUps.push(() => socket.destroy());
        return socket;
      };
      const [silent, half, dripping] = [open(), open(), open()];
      half.write(hello.subarray(0, hello.length >> 1));
      await Promise.all([
        readToEnd(silent),
        readToEnd(half),
        // A record of the largest size, announced and never completed.
        drip(dripping, concatenated(Buffer.from('1603014000', 'hex'), endless(0))),
      ]);
    }
    expect(logged('tls-failed').length).toBeGreaterThanOrEqual(4);
    expect(logged('tls-failed')[0]).toMatchObject({ error: 'ERR_TLS_HANDSHAKE_TIMEOUT' });
  });

  it('is not repeated on a connection: the time for CONNECT ends a client that asks for it', async () => {
    const { listeners } = await startListening({ tls: { port: 0, cert, key }, connectTimeoutMs: 100 });
    const socket = connectTls({
      port: listeners.tlsPort,
      ca: cert,
      host: 'localhost',
      maxVersion: 'TLSv1.2',
    });
    cleanUps.push(() => socket.destroy());
    await once(socket, 'secureConnect');
    socket.on('error', () => {});
    const repeated = new Promise((resolve) => socket.renegotiate({}, () => resolve('repeated')));
    expect(await Promise.race([repeated, closeOf(socket).then(() => 'closed')])).toBe('closed');
  });

  it('followed by silence is no CONNECT', async () => {
    const { listeners, logged } = await startListening({
      tls: { port: 0, cert, key },
      connectTimeoutMs: 50,
    });
    const socket = tlsTo(listeners);
    await closeOf(socket);
    expect(logged('connect-late')).toHaveLength(1);
  });
});

it.skipIf(process.platform !== 'linux')('the kernel probes idle connections of every transport', async () => {
  const { listeners } = await startListening({
    mqttPort: 0,
    wsPort: 0,
    tls: { port: 0, wssPort: 0, cert, key },
  });
  const { mqttPort, wsPort, tlsPort, wssPort } = listeners;
  await connectedTcp(listeners);
  await connectedWebSocket(listeners);
  await once(tlsTo(listeners), 'secureConnect');
  await once(
    tlsTo({ ...listeners, ...(wssPort === undefined ? {} : { tlsPort: wssPort }) }),
    'secureConnect',
  );
  // Right after data, the timer of an acknowledgement may stand in its place.
  for (const port of [mqttPort, wsPort, tlsPort, wssPort])
    await expect.poll(() => probedSeconds(port ?? 0)).toEqual([expect.closeTo(60, -1)]);
});

/** Seconds to the next probe of each connection that was accepted on `port`. */
function probedSeconds(port: number): number[] {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(hex) && state === '01')
    .map(([, , , , , timer = '']) => timer.split(':'))
    .map(([kind, ticks = '0']) => (kind === '02' ? Number.parseInt(ticks, 16) / 100 : Number.NaN));
}

/** What a TLS client writes first. */
async function clientHello(): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connectTls({ port: (server.address() as { port: number }).port, host: '127.0.0.1' });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

function* concatenated(...parts: Iterable<number>[]): Iterable<number> {
  for (const part of parts) yield* part;
}
