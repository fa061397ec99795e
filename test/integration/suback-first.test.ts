import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bridge, startBridge } from '../../lib/bridge/index.ts';
import { streamBuilder } from '../../lib/client/node.ts';
import { type Mint, startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let bridge: Bridge;
let mint: Mint;
const clients: MqttClient[] = [];

beforeAll(async () => {
  service = await startTestService();
  bridge = await startBridge({ upstreamUrl: service.url, mqttPort: 0 });
  mint = await service.tenant('acme');
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.endAsync(true)));
  await bridge.close();
  await service.close();
});

async function connect(way: 'bridge' | 'adapter', protocolVersion: 4 | 5): Promise<MqttClient> {
  const options = {
    username: mint.tenant,
    password: await mint(),
    protocolVersion,
    reconnectPeriod: 0,
  } as const;
  const client =
    way === 'bridge'
      ? mqtt.connect(`mqtt://127.0.0.1:${bridge.mqttPort}`, options)
      : new mqtt.MqttClient(streamBuilder(service.url), options);
  clients.push(client);
  await new Promise((resolve) => client.once('connect', resolve));
  return client;
}

test.each([
  ['bridge', 4],
  ['bridge', 5],
  ['adapter', 4],
  ['adapter', 5],
] as const)('SUBACK comes before retained messages through the %s, version %i', async (way, version) => {
  const client = await connect(way, version);
  const topic = `retained/${way}/${version}`;
  for (const level of ['a', 'b', 'c'])
    await client.publishAsync(`${topic}/${level}`, level, { qos: 1, retain: true });
  const kinds: string[] = [];
  client.on('packetreceive', ({ cmd }) => kinds.push(cmd));
  const received = new Promise<void>((resolve) => {
    let count = 0;
    client.on('message', () => {
      count += 1;
      if (count === 3) resolve();
    });
  });
  await client.subscribeAsync(`${topic}/+`);
  await received;
  expect(kinds.filter((kind) => kind === 'suback' || kind === 'publish')).toEqual([
    'suback',
    'publish',
    'publish',
    'publish',
  ]);
});
