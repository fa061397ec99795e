import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  closeOf,
  connectedTcp,
  connectedWebSocket,
  readToEnd,
  startListening,
  tcpTo,
  webSocketTo,
} from './listening.ts';

const mebibyte = Buffer.alloc(1024 * 1024);

describe('a client that writes without end', () => {
  it('before CONNECT is closed at its first bytes', async () => {
    const { listeners, admitted, logged } = await startListening({ mqttPort: 0 });
    const socket = tcpTo(listeners);
    for (let i = 0; i < 64; i += 1) socket.write(mebibyte);
    await closeOf(socket);
    expect(admitted.count).toBe(0);
    expect(logged('not-mqtt')).toHaveLength(1);
  });

  it('a CONNECT over 131,072 bytes is refused by its header, without the rest', async () => {
    const { listeners, admitted } = await startListening({ mqttPort: 0 });
    const socket = tcpTo(listeners);
    // The remaining length announces 256 MiB.
    socket.write(Buffer.from('10ffffff7f00044d5154540502003c', 'hex'));
    expect((await readToEnd(socket)).toString('hex')).toBe('2003009500');
    expect(admitted.count).toBe(0);
  });

  it('a WebSocket message that never ends is not buffered before CONNECT', async () => {
    const { listeners, sessions, logged } = await startListening({ wsPort: 0 });
    const sockets = Array.from({ length: 5 }, () => webSocketTo(listeners));
    await Promise.all(
      sockets.map(async (socket) => {
        await once(socket, 'open');
        const closed = closeOf(socket);
        for (let i = 0; i < 4; i += 1) socket.send(mebibyte, { fin: false });
        await closed;
      }),
    );
    await expect.poll(() => sessions.every(({ isClosed }) => isClosed)).toBe(true);
    expect(sessions.map(({ received }) => received)).toEqual([0, 0, 0, 0, 0]);
    expect(logged('packet-too-large')).toHaveLength(5);
  });

  it('is read no further than the session wants, on every transport', async () => {
    const { listeners, sessions } = await startListening({ mqttPort: 0, wsPort: 0 });
    const tcp = await connectedTcp(listeners);
    const webSocket = await connectedWebSocket(listeners);
    for (const { client } of sessions) client.pause();
    const before = sessions.map(({ received }) => received);
    for (let i = 0; i < 64; i += 1) {
      tcp.write(mebibyte);
      webSocket.send(mebibyte);
    }
    await expect.poll(() => [tcp.writableNeedDrain, webSocket.bufferedAmount > 0]).toEqual([true, true]);
    await new Promise((resolve) => setImmediate(resolve));
    // What was read already may come; then nothing.
    for (const [index, { received }] of sessions.entries())
      expect(received - (before[index] ?? 0)).toBeLessThanOrEqual(2 * mebibyte.length);
  });
});

describe('a client that does not read', () => {
  const maxClientBufferBytes = 1024 * 1024;

  it.each(['tcp', 'websocket'] as const)('is closed when its buffer is full: %s', async (transport) => {
    const { listeners, sessions, logged } = await startListening({
      mqttPort: 0,
      wsPort: 0,
      maxClientBufferBytes,
    });
    if (transport === 'tcp') (await connectedTcp(listeners)).pause();
    else (await connectedWebSocket(listeners)).pause();
    const [session] = sessions;
    let largest = 0;
    let written = 0;
    while (session?.isClosed === false) {
      session.client.write(mebibyte.subarray(0, 64 * 1024));
      largest = Math.max(largest, listeners.bufferedBytes());
      written += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(written).toBeGreaterThan(16);
    expect(largest).toBeLessThanOrEqual(maxClientBufferBytes + 64 * 1024 + 10);
    expect(logged('slow-client')).toMatchObject([{ transport, address: '127.0.0.1' }]);
  });

  it('nor the pongs for its pings is closed by the WebSocket', async () => {
    const { listeners, sessions } = await startListening({ wsPort: 0 });
    const socket = await connectedWebSocket(listeners);
    socket.pause();
    let pings = 0;
    while (sessions[0]?.isClosed === false) {
      for (let i = 0; i < 1_000; i += 1) socket.ping(Buffer.alloc(125));
      pings += 1_000;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(pings).toBeLessThan(100_000);
  });
});
