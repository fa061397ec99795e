import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inbox } from '../support/service.ts';
import { type Clients, openClients, type Tenant } from './clients.ts';

let clients: Clients;
let tenant: Tenant;
beforeAll(async () => {
  clients = await openClients();
  tenant = await clients.tenant();
});
afterAll(() => clients.close());

describe.each([4, 5] as const)('MQTT version %i', (protocolVersion) => {
  test.each([0, 1, 2] as const)('QoS %i in both directions, in order', async (qos) => {
    const topic = `both/${protocolVersion}/${qos}`;
    const subscriber = await clients.connect(tenant, { protocolVersion });
    const publisher = await clients.connect(tenant, { protocolVersion });
    const { take } = inbox(subscriber);
    await subscriber.subscribeAsync(topic, { qos });
    const texts = ['one', 'two', 'three'];
    for (const text of texts) await publisher.publishAsync(topic, text, { qos });
    const received = await take(texts.length);
    expect(received.map(({ text }) => text)).toEqual(texts);
    expect(received.map((message) => message.qos)).toEqual(texts.map(() => qos));
  });
});

test('a message of 100 KB, in chunks', async () => {
  const client = await clients.connect(tenant);
  const { take } = inbox(client);
  await client.subscribeAsync('large', { qos: 1 });
  const text = 'x'.repeat(100 * 1024);
  await client.publishAsync('large', text, { qos: 1 });
  const [received] = await take(1);
  expect(received?.text.length).toBe(text.length);
  expect(received?.text === text).toBe(true);
});

test('properties of MQTT 5.0 reach the subscriber', async () => {
  const client = await clients.connect(tenant);
  const { take } = inbox(client);
  await client.subscribeAsync('properties', { qos: 1 });
  const properties = {
    contentType: 'text/plain',
    responseTopic: 'answers',
    correlationData: Buffer.from('42'),
    userProperties: { colour: 'blue' },
  };
  await client.publishAsync('properties', 'x', { qos: 1, properties });
  const [received] = await take(1);
  expect(received?.properties).toMatchObject({
    contentType: 'text/plain',
    responseTopic: 'answers',
    userProperties: { colour: 'blue' },
  });
});

test('a topic without permission is refused, and the connection stays open', async () => {
  const password = await tenant.token({ publish: ['mine/#'], subscribe: ['mine/#'] });
  const client = await clients.connect(tenant, { password });
  const { take } = inbox(client);
  await expect(client.subscribeAsync('yours/#', { qos: 1 })).rejects.toThrow();
  await expect(client.publishAsync('yours/x', 'no', { qos: 1 })).rejects.toMatchObject({ code: 0x87 });
  await client.subscribeAsync('mine/#', { qos: 1 });
  await client.publishAsync('mine/x', 'yes', { qos: 1 });
  expect((await take(1))[0]?.text).toBe('yes');
});

describe('retained messages', () => {
  test.each(['kept/a', 'kept/+', 'kept/#'])('reach a later subscriber to %s', async (filter) => {
    const publisher = await clients.connect(tenant);
    await publisher.publishAsync('kept/a', 'first', { qos: 1, retain: true });
    await publisher.publishAsync('kept/a', 'last', { qos: 1, retain: true });
    const subscriber = await clients.connect(tenant);
    const { take } = inbox(subscriber);
    await subscriber.subscribeAsync(filter, { qos: 1 });
    expect((await take(1))[0]).toMatchObject({ topic: 'kept/a', text: 'last', retain: true });
  });

  test('are deleted by an empty payload', async () => {
    const client = await clients.connect(tenant);
    const { received, take } = inbox(client);
    await client.publishAsync('deleted/a', 'gone', { qos: 1, retain: true });
    await client.publishAsync('deleted/a', '', { qos: 1, retain: true });
    await client.publishAsync('deleted/b', 'there', { qos: 1, retain: true });
    await client.subscribeAsync('deleted/#', { qos: 1 });
    expect((await take(1))[0]).toMatchObject({ topic: 'deleted/b', text: 'there' });
    expect(received).toEqual([]);
  });
});

test('wildcards match exactly the specified topics', async () => {
  const client = await clients.connect(tenant);
  const { take } = inbox(client);
  await client.subscribeAsync(['wild/+/temperature', 'wild/deep/#'], { qos: 1 });
  const topics = [
    'wild/temperature',
    'wild/a/temperature',
    'wild/a/b/temperature',
    'wild/deep',
    'wild/deep/a/b',
    'wild/b/temperature',
  ];
  for (const topic of topics) await client.publishAsync(topic, topic, { qos: 1 });
  const received = await take(4);
  expect(received.map(({ topic }) => topic)).toEqual([
    'wild/a/temperature',
    'wild/deep',
    'wild/deep/a/b',
    'wild/b/temperature',
  ]);
});

test('a shared subscription gives each message to one member', async () => {
  const members = await Promise.all([1, 2, 3].map(() => clients.connect(tenant)));
  const count = 30;
  const expected = Array.from({ length: count }, (_, index) => `job ${index}`);
  const missing = new Set(expected);
  const repeated: string[] = [];
  const all = new Promise<void>((resolve) => {
    for (const member of members)
      member.on('message', (_topic, payload) => {
        if (!missing.delete(payload.toString())) repeated.push(payload.toString());
        if (missing.size === 0) resolve();
      });
  });
  for (const member of members) await member.subscribeAsync('$share/workers/jobs', { qos: 1 });
  const publisher = await clients.connect(tenant);
  await Promise.all(expected.map((text) => publisher.publishAsync('jobs', text, { qos: 1 })));
  await all;
  expect(repeated).toEqual([]);
});

test('a second tenant receives nothing', async () => {
  const other = await clients.tenant();
  const clientId = 'the-same-name';
  const mine = await clients.connect(tenant, { clientId });
  const theirs = await clients.connect(other, { clientId });
  const [myInbox, theirInbox] = [inbox(mine), inbox(theirs)];
  await mine.subscribeAsync('secret/#', { qos: 1 });
  await theirs.subscribeAsync(['#', 'secret/#', 'secret/retained', '$share/g/secret/#'], { qos: 1 });
  await mine.publishAsync('secret/retained', 'mine', { qos: 1, retain: true });
  await mine.publishAsync('secret/a', 'mine', { qos: 2 });
  expect((await myInbox.take(2)).map(({ text }) => text)).toEqual(['mine', 'mine']);

  const later = await clients.connect(other);
  const laterInbox = inbox(later);
  await later.subscribeAsync(['secret/retained', '#'], { qos: 1 });
  await theirs.publishAsync('open', 'theirs', { qos: 1 });
  expect((await laterInbox.take(1))[0]?.topic).toBe('open');
  expect((await theirInbox.take(1))[0]?.topic).toBe('open');
  expect([...laterInbox.received, ...theirInbox.received]).toEqual([]);
  expect(mine.connected).toBe(true);
});
