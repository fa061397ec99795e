import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inbox } from '../support/service.ts';
import { type Clients, disconnected, openClients, type Tenant } from './clients.ts';

let clients: Clients;
let tenant: Tenant;
beforeAll(async () => {
  clients = await openClients();
  tenant = await clients.tenant();
});
afterAll(() => clients.close());

const will = (topic: string) => ({ topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false });

describe('a Will', () => {
  test('is published when the socket is cut', async () => {
    const watcher = await clients.connect(tenant);
    const { take } = inbox(watcher);
    await watcher.subscribeAsync('will/cut', { qos: 1 });
    const client = await clients.connect(tenant, { will: will('will/cut') });
    client.cut();
    expect((await take(1))[0]).toMatchObject({ topic: 'will/cut', text: 'gone' });
  });

  test('is not published after DISCONNECT', async () => {
    const watcher = await clients.connect(tenant);
    const { received, take } = inbox(watcher);
    await watcher.subscribeAsync('will/#', { qos: 1 });
    const quiet = await clients.connect(tenant, { will: will('will/quiet') });
    await quiet.endAsync();
    const loud = await clients.connect(tenant, { will: will('will/loud') });
    loud.cut();
    expect((await take(1))[0]?.topic).toBe('will/loud');
    expect(received).toEqual([]);
  });
});

describe('timers of the queue', () => {
  test('publish a Will after its delay', async () => {
    const watcher = await clients.connect(tenant);
    const { take } = inbox(watcher);
    await watcher.subscribeAsync('delayed/#', { qos: 1 });
    const delayed = { ...will('delayed/will'), properties: { willDelayInterval: 2 } };
    const client = await clients.connect(tenant, {
      will: delayed,
      properties: { sessionExpiryInterval: 60 },
    });
    client.cut();
    await watcher.publishAsync('delayed/meanwhile', 'x', { qos: 1 });
    expect((await take(2)).map(({ topic }) => topic)).toEqual(['delayed/meanwhile', 'delayed/will']);
  });

  test('end a session, which publishes its delayed Will', async () => {
    const watcher = await clients.connect(tenant);
    const { take } = inbox(watcher);
    await watcher.subscribeAsync('ended/will', { qos: 1 });
    const client = await clients.connect(tenant, {
      will: { ...will('ended/will'), properties: { willDelayInterval: 600 } },
      properties: { sessionExpiryInterval: 2 },
    });
    client.cut();
    expect((await take(1))[0]?.text).toBe('gone');
  });

  test('close a connection whose token has expired', async () => {
    const client = await clients.connect(tenant, { password: await tenant.token({ ttlSeconds: 8 }) });
    expect(await disconnected(client)).toBe(0xa0);
  });
});

test('a second connection takes the first one over', async () => {
  const clientId = 'taken-over';
  const first = await clients.connect(tenant, { clientId });
  const reason = disconnected(first);
  const second = await clients.connect(tenant, { clientId });
  expect(await reason).toBe(0x8e);
  const { take } = inbox(second);
  await second.subscribeAsync('taken/over', { qos: 1 });
  await second.publishAsync('taken/over', 'still here', { qos: 1 });
  expect((await take(1))[0]?.text).toBe('still here');
});

describe.each([1, 2] as const)('a session that is resumed, QoS %i', (qos) => {
  test.each(['DISCONNECT', 'a cut socket'])('after %s receives everything in order, once', async (end) => {
    const clientId = `resumed-${qos}-${end.length}`;
    const topic = `resume/${qos}/${end.length}`;
    const session = { clientId, clean: false, properties: { sessionExpiryInterval: 600 } };
    const first = await clients.connect(tenant, session);
    await first.subscribeAsync(topic, { qos });
    const closed = new Promise<void>((resolve) => first.once('close', () => resolve()));
    if (end === 'DISCONNECT') await first.endAsync();
    else first.cut();
    await closed;

    const publisher = await clients.connect(tenant);
    const texts = Array.from({ length: 30 }, (_, index) => `message ${index}`);
    for (const text of texts) await publisher.publishAsync(topic, text, { qos });

    const second = clients.open({
      username: tenant.name,
      password: await tenant.token(),
      ...session,
    });
    // Listens before CONNACK, because queued messages follow it immediately.
    const { received, take } = inbox(second);
    const resumed = new Promise<boolean>((resolve, reject) => {
      second.once('connect', ({ sessionPresent }) => resolve(sessionPresent));
      second.once('error', reject);
    });
    expect(await resumed).toBe(true);
    expect((await take(texts.length)).map(({ text }) => text)).toEqual(texts);
    await publisher.publishAsync(topic, 'live', { qos });
    expect((await take(1))[0]?.text).toBe('live');
    expect(received).toEqual([]);
  });
});
