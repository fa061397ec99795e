/**
 * `wisp-mqtt-client/connect` in browsers and React Native: MQTT.js that stays connected with valid
 * tokens.
 */
import type { MqttClient } from 'mqtt';
import * as mqttJs from 'mqtt';
import { websocketFactory } from './index.ts';
import { type ConnectOptions, keepOpen, mqttJsOptions } from './renewal/mqttjs.ts';

export type { ConnectOptions } from './renewal/mqttjs.ts';
export type { GetToken, RenewalClock, RenewalOptions, TokenReason } from './renewal/options.ts';

/** MQTT.js's ES module for browsers has a default export alone, the others have named ones. */
const { connect: connectMqttJs } =
  'connect' in mqttJs ? mqttJs : (mqttJs as { default: typeof mqttJs }).default;

/**
 * Returns an MQTT.js client that connects as soon as `getToken` has answered, renews its token
 * before `exp`, and connects again with a fresh one after every end of the connection, until
 * `client.end()`. Failures are told by the client's event `error`; without a listener they go to
 * the console.
 *
 * @param url of the API's stage, such as `wss://example.com/mqtt`
 */
export function connect(url: string, options: ConnectOptions): MqttClient {
  const client = connectMqttJs(url, {
    ...mqttJsOptions(options),
    createWebsocket: websocketFactory(options.adapter),
  });
  return keepOpen(client, options);
}
