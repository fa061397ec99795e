/** What the adapter says where it is used in the wrong place. */
import mqtt, { type IClientOptions } from 'mqtt';
import { afterEach, expect, it, vi } from 'vitest';
import { createWebsocket, WispWebSocket } from '../../lib/client/index.ts';
import { FakeSocket } from './fake-socket.ts';

afterEach(() => vi.unstubAllGlobals());

const options: IClientOptions = { createWebsocket, reconnectPeriod: 0 };

it('names its entry for Node where the runtime has no WebSocket', () => {
  vi.stubGlobal('WebSocket', undefined);
  expect(() => createWebsocket('wss://example.com/mqtt', ['mqtt'])).toThrow(/use wisp-mqtt-client\/node/);
});

it('names the option of MQTT.js that Node needs', () => {
  vi.stubGlobal('WebSocket', FakeSocket);
  expect(() => mqtt.connect('wss://example.com/mqtt', options)).toThrow(/forceNativeWebSocket: true/);
});

it('is told by a bridge that it belongs elsewhere, and tells the library', async () => {
  const socket = new WispWebSocket('ws://bridge.example/mqtt', 'mqtt', { WebSocket: FakeSocket });
  const seen: unknown[] = [];
  socket.onerror = ({ message }) => seen.push(message);
  const closed = new Promise((resolve) => {
    socket.onclose = resolve;
  });
  FakeSocket.last?.onopen?.({});
  FakeSocket.last?.onclose?.({ code: 4004, reason: 'this port serves stock clients', wasClean: true });
  expect(await closed).toMatchObject({ code: 4004, reason: 'this port serves stock clients' });
  expect(seen).toEqual(['this port serves stock clients']);
});

it('warns where the WebSocket of the runtime cannot send headers, as that of Node 22', () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  const headers = { Authorization: 'Bearer token' };
  /** One parameter is required, as in the standard. */
  class Standard extends FakeSocket {
    constructor(url: string, protocols: string[] = []) {
      super(url, protocols);
    }
  }
  vi.stubGlobal('WebSocket', Standard);
  new WispWebSocket('wss://example.com/mqtt', 'mqtt');
  new WispWebSocket('wss://example.com/mqtt', 'mqtt', { headers, WebSocket: FakeSocket });
  expect(warn).not.toHaveBeenCalled();
  new WispWebSocket('wss://example.com/mqtt', 'mqtt', { headers });
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/use wisp-mqtt-client\/node/));
  warn.mockRestore();
});
