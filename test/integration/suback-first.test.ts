import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bridge, startBridge } from '../../lib/bridge/index.ts';
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

async function connect(protocolVersion: 4 | 5): Promise<MqttClient> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${bridge.mqttPort}`, {
    username: mint.tenant,
    password: await mint(),
    protocolVersion,
    reconnectPeriod: 0,
  });
  clients.push(client);
  return client;
}

test.each([4, 5] as const)('SUBACK comes before retained messages, version %i', async (version) => {
  const client = await connect(version);
  const topic = `retained/${version}`;
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
