/** `wisp-mqtt-client/connect` in Node: MQTT.js that stays connected with valid tokens. */
import { MqttClient } from 'mqtt';
import { streamBuilder } from './node.ts';
import { type ConnectOptions, keepOpen, mqttJsOptions } from './renewal/mqttjs.ts';

export type { ConnectOptions } from './renewal/mqttjs.ts';
export type { GetToken, RenewalClock, RenewalOptions, TokenReason } from './renewal/options.ts';

/** As `connect` of `./connect.ts`, over the package `ws`. */
export function connect(url: string, options: ConnectOptions): MqttClient {
  // Not `mqtt.connect`: its `forceNativeWebSocket` would hold for the whole process.
  const client = new MqttClient(streamBuilder(url, options.adapter) as never, mqttJsOptions(options));
  return keepOpen(client, options);
}
