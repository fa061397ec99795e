import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { createWebsocket } from '../../lib/client/index.ts';

/** Longest wait for CONNACK, in milliseconds. */
const connectTimeoutMs = 15_000;

export interface Login {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly clientId: string;
}

/**
 * A client of MQTT.js over the wire profile. This module is large: import it when it is needed. The
 * client does not reconnect: whoever looks should know that there was a gap.
 */
export function connectMqtt({ url, ...login }: Login, options: IClientOptions = {}): MqttClient {
  const { protocol, hostname, port, pathname } = new URL(url);
  const isSecure = protocol === 'wss:';
  return mqtt.connect({
    protocol: isSecure ? 'wss' : 'ws',
    hostname,
    port: Number(port) || (isSecure ? 443 : 80),
    path: pathname,
    protocolVersion: 5,
    ...options,
    ...login,
    createWebsocket,
    reconnectPeriod: 0,
    connectTimeout: connectTimeoutMs,
    // The others run in a worker made of a blob, which the policy of the page refuses.
    timerVariant: 'native',
  });
}
