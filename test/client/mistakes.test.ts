/** What the adapter says where it is used in the wrong place. */
import mqtt, { type IClientOptions } from 'mqtt';
import { afterEach, expect, it, vi } from 'vitest';
import { createWebsocket } from '../../lib/client/index.ts';
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
