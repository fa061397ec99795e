import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { BufferBudget, BufferedClient, uncountedBytes } from '../../lib/listeners/buffers.ts';
import { closeOf, connectedTcp, connectedWebSocket, startListening } from './listening.ts';

const mebibyte = 1024 * 1024;
const piece = Buffer.alloc(64 * 1024);

class Client extends BufferedClient {
  isEnded = false;

  protected unsentBytes(): number {
    return 0;
  }

  holds(bytes: number): void {
    if (this.isEnded || this.hold(bytes)) return;
    this.isEnded = true;
    this.hold(0);
  }
}

describe('the bytes of all clients', () => {
  it('stay within the budget however many hold them, and those that hold little stay', () => {
    const budget = new BufferBudget(mebibyte);
    const clients = Array.from({ length: 500 }, () => new Client(budget));
    const modest = new Client(budget);
    let largest = 0;
    for (let bytes = 1_000; bytes <= mebibyte; bytes += 1_000)
      for (const client of clients) {
        client.holds(bytes);
        modest.holds(uncountedBytes);
        largest = Math.max(largest, budget.bytes);
      }
    expect(largest).toBeLessThanOrEqual(mebibyte);
    expect(clients.some(({ isEnded }) => isEnded)).toBe(true);
    expect(modest.isEnded).toBe(false);
    for (const client of clients) client.hold(0);
    expect(budget.bytes).toBe(0);
  });

  it.each(['tcp', 'websocket'] as const)('are bounded where nobody reads: %s', async (transport) => {
    const { listeners, sessions, logged } = await startListening({
      mqttPort: 0,
      wsPort: 0,
      maxBufferedBytes: 4 * mebibyte,
    });
    const reading = await connectedTcp(listeners);
    let read = 0;
    reading.on('data', (bytes) => {
      read += bytes.length;
    });
    for (let count = 0; count < 8; count += 1)
      if (transport === 'tcp') (await connectedTcp(listeners)).pause();
      else (await connectedWebSocket(listeners)).pause();
    const [served, ...slow] = sessions;
    let largest = 0;
    let written = 0;
    while (slow.some(({ isClosed }) => !isClosed)) {
      for (const { client } of slow) client.write(piece);
      served?.client.write(Buffer.alloc(1_000));
      written += 1_000;
      largest = Math.max(largest, listeners.bufferedBytes());
      await new Promise((resolve) => setImmediate(resolve));
    }
    // One write may exceed it, and ends its client.
    expect(largest).toBeLessThanOrEqual(4 * mebibyte + piece.length);
    expect(logged('buffers-full').length + logged('slow-client').length).toBe(8);
    expect(logged('buffers-full').length).toBeGreaterThan(0);
    await expect.poll(() => read).toBe(written);
    expect(listeners.bufferedBytes()).toBe(0);
  });

  it('are bounded where WebSocket messages do not end', async () => {
    const { listeners, logged } = await startListening({ wsPort: 0, maxBufferedBytes: 2 * mebibyte });
    const sockets = await Promise.all(Array.from({ length: 8 }, () => connectedWebSocket(listeners)));
    const closed = Promise.all(sockets.map(closeOf));
    let largest = 0;
    while (sockets.some((socket) => socket.readyState === socket.OPEN)) {
      for (const socket of sockets) if (socket.readyState === socket.OPEN) socket.send(piece, { fin: false });
      largest = Math.max(largest, listeners.bufferedBytes());
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    expect(largest).toBeLessThanOrEqual(2 * mebibyte + piece.length);
    expect(logged('buffers-full')).toHaveLength(8);
    expect(listeners.bufferedBytes()).toBe(0);
  });

  it('no longer count once a WebSocket message is complete', async () => {
    const { listeners, sessions } = await startListening({ wsPort: 0 });
    const socket = await connectedWebSocket(listeners);
    for (let count = 0; count < 100; count += 1) {
      socket.send(piece, { fin: false });
      socket.send(piece);
      socket.ping();
      await once(socket, 'pong');
    }
    await expect.poll(() => sessions[0]?.received).toBeGreaterThan(200 * piece.length);
    expect(listeners.bufferedBytes()).toBe(0);
  });
});
