/**
 * `wisp-mqtt-client/node`: the adapter over the package `ws`, since Node 20 has no WebSocket of its
 * own.
 */
import { Duplex } from 'node:stream';
import ws from 'ws';
import { type AdapterOptions, type CreateWebsocket, WispWebSocket, websocketFactory } from './index.ts';

export * from './index.ts';

/** Unconfirmed bytes above which the stream makes its writer wait. */
const highWaterBytes = 256 * 1024;

/** For MQTT.js in Node: `mqtt.connect(url, { createWebsocket, forceNativeWebSocket: true })`. */
export const createWebsocket: CreateWebsocket = websocketFactory({ WebSocket: ws });

/**
 * Connects and returns an MQTT byte stream with back-pressure: a write completes when at most
 * 262,144 bytes are unconfirmed. The stream ends when the connection closes, and fails with an
 * `Error` if the adapter gives up.
 */
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
    // Cleared before the call: it writes the next piece at once, which may set it again.
    const done = resume;
    resume = undefined;
    done?.();
  });
  return stream;
}

/**
 * Creates the stream builder of an MQTT.js client, for programs that also connect over `tcp://`:
 * `new MqttClient(streamBuilder(url), { … })`. Each call opens a new connection.
 */
export function streamBuilder(url: string, options: AdapterOptions = {}): () => Duplex {
  return () => connectStream(url, options);
}
