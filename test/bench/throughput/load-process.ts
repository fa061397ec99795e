/** Child process that generates load: one publisher and one subscriber with MQTT.js. */
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { createWebsocket } from '../../../lib/client/node.ts';
import { serve } from '../process.ts';
import type { Listening, Transport } from './listening.ts';

export interface Target {
  readonly transport: Transport;
  readonly listening: Listening;
}

export interface Load {
  readonly qos: 0 | 1 | 2;
  /**
   * Messages written together. The next burst follows when all have arrived and are acknowledged.
   */
  readonly burst: number;
  readonly durationMs: number;
}

export interface LoadResult {
  readonly messages: number;
  /** Number of messages before the measurement. */
  readonly warmedUp: number;
  readonly elapsedMs: number;
  /** Latency of each message from `publish` to `message`. */
  readonly latenciesMs: readonly number[];
}

const payloadBytes = 100;
const stallMs = 30_000;
const warmUpRounds = 5;

let publisher: MqttClient | undefined;
let subscriber: MqttClient | undefined;
/** Times at which the messages of the current burst were published, by their number. */
let sentAtMs: number[] = [];
let latenciesMs: number[] = [];
let missing = 0;
let arrived = (): void => {};

const offered = {
  async connect(target: Target): Promise<void> {
    publisher = await connected(target);
    subscriber = await connected(target);
    subscriber.on('message', (_topic, payload) => {
      latenciesMs.push(performance.now() - (sentAtMs[payload.readUInt32BE(0)] ?? Number.NaN));
      missing -= 1;
      if (missing === 0) arrived();
    });
  },

  async run({ qos, burst, durationMs }: Load): Promise<LoadResult> {
    await subscriber?.subscribeAsync(`bench/${qos}`, { qos });
    for (let round = 0; round < warmUpRounds; round += 1) await sendBurst(qos, burst);
    latenciesMs = [];
    const startedAtMs = performance.now();
    let messages = 0;
    let elapsedMs = 0;
    while (elapsedMs < durationMs) {
      await sendBurst(qos, burst);
      messages += burst;
      elapsedMs = performance.now() - startedAtMs;
    }
    return { messages, warmedUp: warmUpRounds * burst, elapsedMs, latenciesMs };
  },
};
export type LoadProcess = typeof offered;

async function sendBurst(qos: 0 | 1 | 2, burst: number): Promise<void> {
  const all = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  missing = burst;
  sentAtMs = [];
  const acknowledged = Array.from({ length: burst }, (_, index) => {
    const payload = Buffer.alloc(payloadBytes);
    payload.writeUInt32BE(index, 0);
    sentAtMs.push(performance.now());
    return publisher?.publishAsync(`bench/${qos}`, payload, { qos });
  });
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${missing} of ${burst} messages are missing`)), stallMs);
  });
  await Promise.race([Promise.all([all, ...acknowledged]), stalled]);
  clearTimeout(timer);
}

async function connected({ transport, listening }: Target): Promise<MqttClient> {
  const { port, path = '', username, password } = listening;
  const adapter: IClientOptions = {
    createWebsocket: createWebsocket as unknown as NonNullable<IClientOptions['createWebsocket']>,
    forceNativeWebSocket: true,
  };
  const client = mqtt.connect(`${transport === 'tcp' ? 'mqtt' : 'ws'}://127.0.0.1:${port}${path}`, {
    // Aedes does not support 5.0.
    protocolVersion: 4,
    reconnectPeriod: 0,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(transport === 'adapter' ? adapter : {}),
  });
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed before CONNACK')));
  });
  return client;
}

serve(offered);
