import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach } from 'vitest';
import WebSocket from 'ws';
import { type Bridge, type BridgeLogEntry, type BridgeOptions, startBridge } from '../../lib/bridge/index.ts';
import { type Behaviour, startProfileServer } from '../client/profile-server.ts';

/** CONNECT of MQTT 3.1.1 with Clean Session and no client id. */
export const connectPacket = Buffer.from('100c00044d5154540402003c0000', 'hex');
/** CONNECT of MQTT 5.0 with a keep-alive of 60 seconds. */
export const connectPacket5 = Buffer.from('100d00044d5154540502003c000000', 'hex');
export const connack = Buffer.from('20020000', 'hex');
/** "Server unavailable" of MQTT 3.1.1. */
export const refusedConnack = Buffer.from('20020003', 'hex');
export const pingreq = Buffer.from('c000', 'hex');
export const pingresp = Buffer.from('d000', 'hex');

/** Run after each test, last one first. */
export const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Starts a bridge in front of a server of the wire profile. */
export async function startBridged(behaviour: Behaviour = {}, options: Partial<BridgeOptions> = {}) {
  const server = await startProfileServer(behaviour);
  cleanUps.push(server.close);
  const entries: BridgeLogEntry[] = [];
  const waiting: { event: string; resolve: (entry: BridgeLogEntry) => void }[] = [];
  const log = (entry: BridgeLogEntry) => {
    entries.push(entry);
    for (const { event, resolve } of waiting) if (event === entry.event) resolve(entry);
  };
  const logged = (event: string) =>
    new Promise<BridgeLogEntry>((resolve) => {
      waiting.push({ event, resolve });
    });
  const bridge = await startBridge({ upstreamUrl: server.url, mqttPort: 0, wsPort: 0, log, ...options });
  cleanUps.push(bridge.close);
  return { server, bridge, entries, logged };
}

export function tcpTo({ mqttPort = 0 }: Bridge): Socket {
  const socket = connect(mqttPort, '127.0.0.1');
  cleanUps.push(() => socket.destroy());
  return socket;
}

export function webSocketTo(
  { wsPort }: Bridge,
  path = '/mqtt',
  protocols = ['mqtt'],
  headers = {},
): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${wsPort}${path}`, protocols, { headers });
  cleanUps.push(() => socket.terminate());
  return socket;
}

/** The HTTP status of a refused handshake. */
export function refusal(socket: WebSocket): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.once('open', () => reject(new Error('accepted')));
    socket.on('error', () => {});
  });
}

export async function closeOf(socket: WebSocket): Promise<number> {
  const [code] = await once(socket, 'close');
  return code;
}

export async function mqttClient(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = mqtt.connect(url, { reconnectPeriod: 0, ...options });
  cleanUps.push(() => client.endAsync(true));
  await new Promise((resolve) => client.once('connect', resolve));
  return client;
}
