import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, type Clients, openClients, type Tenant } from './clients.ts';

let clients: Clients;
let tenant: Tenant;
beforeAll(async () => {
  clients = await openClients();
  tenant = await clients.tenant();
});
afterAll(() => clients.close());

const levels = 6;
const topic = Array.from({ length: levels }, (_, level) => `l${level}`).join('/');
/** All 64 filters with `+` or the literal at each level. 5 clients have 320 subscriptions. */
const filters = Array.from({ length: 2 ** levels }, (_, bits) =>
  topic
    .split('/')
    .map((level, index) => ((bits >> index) & 1 ? '+' : level))
    .join('/'),
);

test('a large audience gets every message once and in order, through the fan-out queue', async () => {
  const crowd: Client[] = await Promise.all(Array.from({ length: 5 }, () => clients.connect(tenant)));
  const messages = 8;
  const received = crowd.map((client) => {
    const texts: string[] = [];
    return {
      texts,
      complete: new Promise<void>((resolve) => {
        client.on('message', (_topic, payload) => {
          texts.push(payload.toString());
          if (new Set(texts).size === messages) resolve();
        });
      }),
    };
  });
  // A client may bring 16 shapes to its tenant, and use all that the tenant has.
  for (const [index, client] of crowd.entries())
    await client.subscribeAsync(filters.slice(index * 13, (index + 1) * 13), { qos: 1 });
  for (const client of crowd) await client.subscribeAsync(filters, { qos: 1 });
  const publisher = await clients.connect(tenant);
  const startedAtMs = Date.now();
  for (let number = 0; number < messages; number += 1)
    await publisher.publishAsync(topic, `${number}`, { qos: 1 });
  const publishedAtMs = Date.now();
  await Promise.all(received.map(({ complete }) => complete));
  console.log(
    `${messages} messages to ${crowd.length * filters.length} subscriptions: ` +
      `acknowledged in ${publishedAtMs - startedAtMs} ms, delivered in ${Date.now() - startedAtMs} ms`,
  );
  const expected = Array.from({ length: messages }, (_, number) => `${number}`);
  // At QoS 1 a message may arrive twice. First arrivals are in order.
  for (const { texts } of received) expect([...new Set(texts)]).toEqual(expected);
}, 180_000);
