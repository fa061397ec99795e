import { afterEach, describe, expect, it, vi } from 'vitest';
import ws from 'ws';
import { installGlobal, WispWebSocket } from '../../lib/client/index.ts';
import { FakeSocket } from './fake-socket.ts';
import { startProfileServer } from './profile-server.ts';

afterEach(() => vi.unstubAllGlobals());

describe('installGlobal', () => {
  it('serves the given URLs and leaves the others to the original', () => {
    vi.stubGlobal('WebSocket', FakeSocket);
    const uninstall = installGlobal({ urls: ['wss://wisp.example/'] });
    const Replaced = globalThis.WebSocket;
    expect(new Replaced('wss://wisp.example/mqtt', 'mqtt')).toBeInstanceOf(WispWebSocket);
    expect(FakeSocket.last?.protocols).toEqual(['wisp.b64.v1']);
    expect(new Replaced('wss://other.example/chat')).toBeInstanceOf(FakeSocket);
    expect(Replaced.OPEN).toBe(1);
    uninstall();
    expect(globalThis.WebSocket).toBe(FakeSocket);
  });

  it('opens the socket of the adapter itself with the original', () => {
    vi.stubGlobal('WebSocket', FakeSocket);
    const uninstall = installGlobal({ urls: ['wss://wisp.example/'] });
    try {
      new WispWebSocket('wss://wisp.example/mqtt');
      expect(FakeSocket.last?.url).toBe('wss://wisp.example/mqtt');
      expect(FakeSocket.last).toBeInstanceOf(FakeSocket);
    } finally {
      uninstall();
    }
  });

  it('carries Paho JS', async () => {
    const server = await startProfileServer();
    vi.stubGlobal('WebSocket', ws);
    const uninstall = installGlobal({ urls: [server.url] });
    try {
      // Paho reads its globals when it loads: from `window` or the global object.
      // @ts-expect-error: the package has no types
      const { default: Paho } = await import('paho-mqtt');
      const client = new Paho.Client(server.url, 'paho');
      const received: string[] = [];
      const all = new Promise<void>((resolve) => {
        client.onMessageArrived = ({ payloadString }: { payloadString: string }) => {
          if (received.push(payloadString) === 60) resolve();
        };
      });
      await new Promise<void>((onSuccess, onFailure) =>
        client.connect({ onSuccess: () => onSuccess(), onFailure }),
      );
      const sent = Array.from({ length: 60 }, (_, i) => String(i));
      for (const [i, text] of sent.entries()) client.send('t', text, i % 2);
      await all;
      expect(received).toEqual(sent);
      const lost = new Promise((resolve) => {
        client.onConnectionLost = resolve;
      });
      client.disconnect();
      expect(await lost).toMatchObject({ errorCode: 0 });
    } finally {
      uninstall();
      await server.close();
    }
  });
});
