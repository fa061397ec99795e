import mqtt from 'mqtt';
import { afterEach, expect, it } from 'vitest';
import { connectStream, streamBuilder } from '../../lib/client/node.ts';
import { startProfileServer } from './profile-server.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it('carries MQTT.js in Node without forceNativeWebSocket, next to clients on TCP', async () => {
  const server = await startProfileServer();
  cleanUps.push(server.close);
  const client = new mqtt.MqttClient(streamBuilder(server.url), { protocolVersion: 5, reconnectPeriod: 0 });
  cleanUps.push(() => client.endAsync(true));
  await new Promise((resolve) => client.once('connect', resolve));
  const received: string[] = [];
  const all = new Promise<void>((resolve) => {
    client.on('message', (_topic, payload) => {
      if (received.push(payload.toString()) === 300) resolve();
    });
  });
  const sent = Array.from({ length: 300 }, (_, i) => `${i} ${'x'.repeat(3_000)}`);
  await Promise.all(sent.map((text) => client.publishAsync('t', text, { qos: 1 })));
  await all;
  expect(received).toEqual(sent);
  await client.endAsync();
  expect(server.peers[0]?.packets.at(-1)?.cmd).toBe('disconnect');
});

it('applies back-pressure while more than 262,144 bytes are unconfirmed', async () => {
  let release = () => {};
  const server = await startProfileServer({
    order: (sendReply, sendPushes) => {
      release = () => {
        sendReply();
        sendPushes();
      };
      if ((server.peers[0]?.frames.length ?? 0) > 1) release();
    },
  });
  cleanUps.push(server.close);
  const stream = connectStream(server.url);
  cleanUps.push(() => stream.destroy());
  const packet = Buffer.concat([Buffer.from([0x30, 0xa0, 0x1f, 0, 1, 0x74]), Buffer.alloc(3_997)]);
  let written = 0;
  const write = () => stream.write(packet, () => written++);
  for (let i = 0; i < 200; i++) write();
  await server.nextPeer();
  expect(written).toBeLessThan(70);
  const drained = new Promise((resolve) => stream.once('drain', resolve));
  await new Promise<void>((resolve) => {
    server.peers[0]?.socket.once('message', () => setImmediate(resolve));
  });
  release();
  await drained;
  expect(written).toBe(200);
});

it('ends with an error if the server refuses the handshake', async () => {
  const server = await startProfileServer({ refuse: () => 401 });
  cleanUps.push(server.close);
  const stream = connectStream(server.url);
  const error = await new Promise<Error>((resolve) => stream.once('error', resolve));
  expect(error.message).toContain('401');
});
