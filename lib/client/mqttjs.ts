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

/**
 * Creates a `createWebsocket` for MQTT.js with adapter options:
 * `mqtt.connect(url, { createWebsocket: websocketFactory({ acknowledge: 'needed' }) })`.
 * Headers come from MQTT.js's `wsOptions.headers`, unless `options` has them.
 */
export function websocketFactory(options: AdapterOptions = {}): CreateWebsocket {
  return (url, protocols, mqttOptions) =>
    new WispWebSocket(url, protocols, {
      headers: (mqttOptions?.wsOptions as AdapterOptions | undefined)?.headers,
      ...options,
    });
}

/** For MQTT.js in browsers and React Native: `mqtt.connect(url, { createWebsocket })`. */
export const createWebsocket: CreateWebsocket = websocketFactory();
