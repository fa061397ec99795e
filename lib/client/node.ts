/** `wisp-mqtt/client/node`: the adapter over `ws`, for Node 20, which has no WebSocket of its own, and later. */
// biome-ignore lint/style/noRestrictedImports: this entry is for Node alone; browsers import index.ts
import { Duplex } from 'node:stream';
// biome-ignore lint/style/noRestrictedImports: this entry is for Node alone; browsers import index.ts
import ws from 'ws';
import { type CreateWebsocket, websocketFactory } from './mqttjs.ts';
import type { AdapterOptions } from './types.ts';
import { WispWebSocket } from './websocket.ts';

export * from './index.ts';

/** Unconfirmed bytes above which the stream makes its writer wait. */
const highWaterBytes = 256 * 1024;

/** For MQTT.js in Node: `mqtt.connect(url, { createWebsocket, forceNativeWebSocket: true })`. */
export const createWebsocket: CreateWebsocket = websocketFactory({ WebSocket: ws });

/** An MQTT byte stream over the profile, with back-pressure. */
export function connectStream(url: string, options: AdapterOptions = {}): Duplex {
  const socket = new WispWebSocket(url, 'mqtt', { WebSocket: ws, ...options });
  socket.binaryType = 'arraybuffer';
  let resume: (() => void) | undefined;
  const stream = new Duplex({
    read() {},
    write(chunk: Uint8Array, _encoding, done) {
      socket.send(chunk);
      if (socket.bufferedAmount <= highWaterBytes) done();
      else resume = done;
    },
    final(done) {
      socket.close();
      done();
    },
    destroy(error, done) {
      socket.close();
      done(error);
    },
  });
  socket.onmessage = ({ data }) => stream.push(Buffer.from(data as ArrayBuffer));
  socket.onerror = ({ message }) => stream.destroy(new Error(message));
  socket.onclose = () => {
    stream.push(null);
    stream.destroy();
  };
  socket.addEventListener('drain', () => {
    if (socket.bufferedAmount > highWaterBytes) return;
    // Taken first: calling it writes the next piece at once, which may have to wait in turn.
    const done = resume;
    resume = undefined;
    done?.();
  });
  return stream;
}

/** For MQTT.js in Node next to `tcp://` clients: `new MqttClient(streamBuilder(url), { … })`. Connects anew on each call. */
export function streamBuilder(url: string, options: AdapterOptions = {}): () => Duplex {
  return () => connectStream(url, options);
}
