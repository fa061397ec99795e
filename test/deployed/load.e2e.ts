import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, type Clients, openClients, type Tenant } from './clients.ts';

let clients: Clients;
let tenant: Tenant;
beforeAll(async () => {
  clients = await openClients();
  tenant = await clients.tenant();
});
afterAll(() => clients.close());

const connections = 100;
const messagesEach = 20;

test('100 connections publish 20 messages each, none is lost and each publisher keeps its order', async () => {
  const startedAtMs = Date.now();
  const ring: Client[] = await Promise.all(
    Array.from({ length: connections }, () => clients.connect(tenant)),
  );
  const connectedAtMs = Date.now();
  const received = ring.map((): string[] => []);
  const complete = ring.map(
    (client, index) =>
      new Promise<void>((resolve) => {
        client.on('message', (_topic, payload) => {
          const mine = received[index] ?? [];
          mine.push(payload.toString());
          if (new Set(mine).size === messagesEach) resolve();
        });
      }),
  );
  await Promise.all(ring.map((client, index) => client.subscribeAsync(`ring/${index}`, { qos: 1 })));
  const subscribedAtMs = Date.now();

  await Promise.all(
    ring.flatMap((client, index) =>
      Array.from({ length: messagesEach }, (_, number) =>
        client.publishAsync(`ring/${(index + 1) % connections}`, `${index}:${number}`, { qos: 1 }),
      ),
    ),
  );
  await Promise.all(complete);
  const doneAtMs = Date.now();
  console.log(
    `connected in ${connectedAtMs - startedAtMs} ms, subscribed in ${subscribedAtMs - connectedAtMs} ms, ` +
      `${connections * messagesEach} messages delivered in ${doneAtMs - subscribedAtMs} ms`,
  );
  // At QoS 1 a message may arrive twice. First arrivals are in order. [MQTT-4.6.0-6 v3+v5]
  expect(received.map((texts) => [...new Set(texts)])).toEqual(
    ring.map((_, index) => {
      const publisher = (index + connections - 1) % connections;
      return Array.from({ length: messagesEach }, (_, number) => `${publisher}:${number}`);
    }),
  );
}, 180_000);
