/** `wisp-mqtt-client`: the adapter for browsers, React Native and Node. It has no dependencies. */
export { subprotocol } from '../wire/limits.ts';
export { type InstallOptions, installGlobal } from './global.ts';
export { type CreateWebsocket, createWebsocket, websocketFactory } from './mqttjs.ts';
export type {
  AdapterOptions,
  NativeWebSocket,
  NativeWebSocketConstructor,
  SocketEvent,
  SocketListener,
  Timers,
} from './types.ts';
export { WispWebSocket } from './websocket.ts';
