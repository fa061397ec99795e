import mqtt from 'mqtt';
import { afterEach, expect, it } from 'vitest';
import { startBridge } from '../../lib/bridge/index.ts';
import { startProfileServer } from '../client/profile-server.ts';
import { cert, key } from '../support/certificate.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startWithTls() {
  const server = await startProfileServer();
  cleanUps.push(server.close);
  const bridge = await startBridge({
    upstreamUrl: server.url,
    tls: { port: 0, key, cert },
    maxConnections: 1,
  });
  cleanUps.push(bridge.close);
  return { server, url: `mqtts://localhost:${bridge.tlsPort}` };
}

it('serves stock MQTT.js over TLS', async () => {
  const { server, url } = await startWithTls();
  const client = await mqtt.connectAsync(url, { ca: cert, reconnectPeriod: 0 });
  cleanUps.push(() => client.endAsync(true));
  const received = new Promise((resolve) =>
    client.once('message', (_topic, payload) => resolve(payload.toString())),
  );
  await client.publishAsync('t', 'over TLS', { qos: 1 });
  expect(await received).toBe('over TLS');
  expect(server.peers[0]?.packets.map(({ cmd }) => cmd)).toEqual(['connect', 'publish']);
});

it('survives a client that does not trust the certificate', async () => {
  const { server, url } = await startWithTls();
  await expect(mqtt.connectAsync(url, { reconnectPeriod: 0 }, false)).rejects.toThrow();
  const client = await mqtt.connectAsync(url, { ca: cert, reconnectPeriod: 10 });
  cleanUps.push(() => client.endAsync(true));
  expect(client.connected).toBe(true);
  expect(server.peers).toHaveLength(1);
});
