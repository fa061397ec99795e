import type { AdapterOptions } from './types.ts';
import { WispWebSocket } from './websocket.ts';

/** The part of MQTT.js's client options that concerns the handshake. */
interface MqttJsOptions {
  readonly wsOptions?: unknown;
}

export type CreateWebsocket = (
  url: string,
  protocols: string[],
  mqttOptions?: MqttJsOptions,
) => WispWebSocket;

/** `createWebsocket` for MQTT.js with options of one's own: `mqtt.connect(url, { createWebsocket: websocketFactory({ … }) })`. */
export function websocketFactory(options: AdapterOptions = {}): CreateWebsocket {
  return (url, protocols, mqttOptions) =>
    new WispWebSocket(url, protocols, {
      headers: (mqttOptions?.wsOptions as AdapterOptions | undefined)?.headers,
      ...options,
    });
}

/** For MQTT.js in browsers and React Native: `mqtt.connect(url, { createWebsocket })`. */
export const createWebsocket: CreateWebsocket = websocketFactory();
