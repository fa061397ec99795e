import { connect } from 'node:net';
import mqtt, { type MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bridge, startBridge } from '../../lib/bridge/index.ts';
import { inbox, type Mint, startTestService, type TestService } from '../support/service.ts';
import { lacks } from '../support/tools.ts';
import { type MosquittoTarget, mosquittoPub, mosquittoSub, startMosquittoSub } from './mosquitto.ts';

let service: TestService;
let bridge: Bridge;
let mint: Mint;
let ports: { mqttPort: number; wsPort: number };

beforeAll(async () => {
  service = await startTestService();
  bridge = await startBridge({ upstreamUrl: service.url, mqttPort: 0, wsPort: 0 });
  mint = await service.tenant('stock');
  if (bridge.mqttPort === undefined || bridge.wsPort === undefined) throw new Error('not listening');
  ports = { mqttPort: bridge.mqttPort, wsPort: bridge.wsPort };
});
afterAll(async () => {
  await bridge.close();
  await service.close();
});

async function target(version: string): Promise<MosquittoTarget> {
  return { port: ports.mqttPort, username: mint.tenant, password: await mint(), version };
}

const versions = ['mqttv31', 'mqttv311', 'mqttv5'];
const lacksMosquitto = lacks('mosquitto_pub', 'mosquitto_sub');

describe.skipIf(lacksMosquitto).each(versions)('mosquitto clients, %s [MQTT-7.0.0-2 v3]', (version) => {
  test.each([0, 1, 2])('QoS %i both ways', async (qos) => {
    const topic = `mosquitto/${version}/${qos}`;
    const subscriber = await startMosquittoSub(await target(version), { topic, qos, count: 3 });
    for (const text of ['one', 'two', 'three']) {
      const message = ['-t', `${topic}/x`, '-m', text, '-q', String(qos)];
      expect(await mosquittoPub(await target(version), message)).toEqual({ code: 0, stderr: '' });
    }
    expect(await subscriber.lines()).toEqual([`${topic}/x one`, `${topic}/x two`, `${topic}/x three`]);
  });

  test('a retained message reaches a later subscriber; a wrong token is refused', async () => {
    const topic = `retained/${version}/x`;
    const message = ['-t', topic, '-m', 'kept', '-r', '-q', '1'];
    expect(await mosquittoPub(await target(version), message)).toEqual({ code: 0, stderr: '' });
    const filter = `retained/${version}/+`;
    expect(await mosquittoSub(await target(version), ['-t', filter, '-C', '1'])).toEqual([`${topic} kept`]);
    const wrong = { ...(await target(version)), password: 'wrong' };
    const refused = await mosquittoPub(wrong, ['-t', topic, '-m', 'x']);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/refused|authori[sz]ed|password/i);
  });
});

describe.each(['mqtt', 'ws'] as const)('MQTT.js over %s', (protocol) => {
  const clients: MqttClient[] = [];
  afterAll(() => Promise.all(clients.map((client) => client.endAsync(true))));

  async function connect(protocolVersion: 4 | 5): Promise<MqttClient> {
    const url =
      protocol === 'mqtt' ? `mqtt://127.0.0.1:${ports.mqttPort}` : `ws://127.0.0.1:${ports.wsPort}/mqtt`;
    const client = await mqtt.connectAsync(url, {
      username: mint.tenant,
      password: await mint(),
      protocolVersion,
      reconnectPeriod: 0,
    });
    clients.push(client);
    return client;
  }

  test.each([4, 5] as const)(
    'version %i: bursts at every QoS arrive in order, large messages whole',
    async (version) => {
      const [publisher, subscriber] = await Promise.all([connect(version), connect(version)]);
      const received = inbox(subscriber);
      await subscriber.subscribeAsync(`mqttjs/${protocol}/${version}/#`, { qos: 2 });
      for (const qos of [0, 1, 2] as const) {
        const topic = `mqttjs/${protocol}/${version}/${qos}`;
        const sent = Array.from({ length: 100 }, (_, index) => `${qos}-${index}`);
        await Promise.all(sent.map((text) => publisher.publishAsync(topic, text, { qos })));
        expect((await received.take(100)).map(({ text }) => text)).toEqual(sent);
      }
      const large = 'x'.repeat(120_000);
      await publisher.publishAsync(`mqttjs/${protocol}/${version}/large`, large, { qos: 1 });
      expect((await received.next()).text).toBe(large);
    },
  );
});

test('a silent client is ended by the bridge, and its Will comes [MQTT-3.1.2-24 v3]', async () => {
  const watcher = await mqtt.connectAsync(`mqtt://127.0.0.1:${ports.mqttPort}`, {
    username: mint.tenant,
    password: await mint(),
    reconnectPeriod: 0,
  });
  await watcher.subscribeAsync('wills/#', { qos: 1 });
  const messages = inbox(watcher);
  const silent = connect(ports.mqttPort, '127.0.0.1');
  silent.write(
    generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: 'silent',
      keepalive: 1,
      username: mint.tenant,
      password: Buffer.from(await mint()),
      will: { topic: 'wills/silent', payload: Buffer.from('gone'), qos: 1, retain: false },
    }),
  );
  expect(await messages.next()).toMatchObject({ topic: 'wills/silent', text: 'gone' });
  silent.destroy();
  await watcher.endAsync();
});

test("an operator's temporary session comes through the bridge, in 3.1.1 and 5.0", async () => {
  const watching: MqttClient[] = [];
  for (const protocolVersion of [4, 5] as const) {
    const created = await fetch(`${service.adminUrl}/tenants/stock/observers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ filters: ['observed/#'] }),
    });
    const { clientId, username, password } = (await created.json()) as Record<string, string>;
    const observer = await mqtt.connectAsync(`mqtt://127.0.0.1:${ports.mqttPort}`, {
      ...{ clientId, username, password, protocolVersion, reconnectPeriod: 0 },
    } as Parameters<typeof mqtt.connectAsync>[1] & object);
    watching.push(observer);
    const got = inbox(observer);
    await observer.subscribeAsync('observed/#');
    await fetch(`${service.publishUrl}/observed/it`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await mint()}` },
      body: 'x',
    });
    expect(await got.next()).toMatchObject({ topic: 'observed/it', text: 'x' });
  }
  await Promise.all(watching.map((client) => client.endAsync(true)));
});
