import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { adapterOptions, inbox, type Mint, startTestService, type TestService } from '../support/service.ts';
import { type Api, apiAt } from './api.ts';

let service: TestService;
let api: Api;
let acme: Mint;

beforeAll(async () => {
  service = await startTestService();
  api = apiAt(service.adminUrl);
  acme = await service.tenant('acme');
});
afterAll(() => service.close());

const lasting = { clean: false, properties: { sessionExpiryInterval: 600 } };

function send(clientId: string, body: object, query = '', tenant = 'acme') {
  return api('POST', `/tenants/${tenant}/clients/message?clientId=${clientId}${query}`, body);
}

/** Connects a client whose messages are collected from the first on. */
async function resume(options: Partial<IClientOptions>) {
  const client = mqtt.connect(service.url, await adapterOptions(acme, options));
  onTestFinished(() => client.endAsync(true));
  return inbox(client);
}

/** Ends the connection without ending the session. */
async function leave(client: MqttClient): Promise<void> {
  await client.endAsync();
}

describe('a message to one client', () => {
  it.each([
    [5, 0, 'sent'],
    [5, 1, 'queued'],
    [5, 2, 'queued'],
    [4, 0, 'sent'],
    [4, 1, 'queued'],
    [4, 2, 'queued'],
  ] as const)('reaches it without a subscription (MQTT %i, QoS %i)', async (version, qos, outcome) => {
    const clientId = `online-${version}-${qos}`;
    const client = await service.connect(acme, { clientId, protocolVersion: version });
    const other = inbox(await service.connect(acme, { clientId: `${clientId}-other` }));
    const received = inbox(client);
    expect(await send(clientId, { topic: 'commands/reboot', payload: 'now', qos })).toMatchObject({
      status: 200,
      body: { outcome },
    });
    expect(await received.next()).toMatchObject({
      topic: 'commands/reboot',
      text: 'now',
      qos,
      retain: false,
    });
    expect(other.received).toEqual([]);
  });

  it.each([4, 5] as const)('waits while the client is offline (MQTT %i)', async (protocolVersion) => {
    const clientId = `offline-${protocolVersion}`;
    const options = { clientId, protocolVersion, ...lasting };
    await leave(await service.connect(acme, options));
    expect((await send(clientId, { topic: 'a', payload: '0' })).body).toEqual({ outcome: 'not-sent' });
    for (const qos of [1, 2])
      expect((await send(clientId, { topic: 'a', payload: `${qos}`, qos })).body).toEqual({
        outcome: 'queued',
      });
    const received = await (await resume(options)).take(2);
    expect(received.map(({ text, qos }) => [text, qos])).toEqual([
      ['1', 1],
      ['2', 2],
    ]);
  });

  it('reaches the connection that has taken the session over', async () => {
    const options = { clientId: 'taken', ...lasting };
    const first = await service.connect(acme, options);
    await send('taken', { topic: 'a', payload: '1', qos: 1 }, '&confirm=10');
    const second = await resume(options);
    await new Promise<void>((resolve) => first.once('close', () => resolve()));
    expect((await send('taken', { topic: 'a', payload: '2', qos: 1 }, '&confirm=10')).body).toEqual({
      outcome: 'queued',
      confirmed: true,
    });
    expect(await second.next()).toMatchObject({ text: '2' });
  });

  it.each([1, 2])('is confirmed when the client has acknowledged it (QoS %i)', async (qos) => {
    const clientId = `confirmed-${qos}`;
    await service.connect(acme, { clientId });
    expect((await send(clientId, { topic: 'a', qos }, '&confirm=10')).body).toEqual({
      outcome: 'queued',
      confirmed: true,
    });
  });

  it('is not confirmed while it waits, and is delivered later', async () => {
    const options = { clientId: 'later', ...lasting };
    await leave(await service.connect(acme, options));
    expect((await send('later', { topic: 'a', payload: 'x', qos: 1 }, '&confirm=1')).body).toEqual({
      outcome: 'queued',
      confirmed: false,
    });
    expect(await (await resume(options)).next()).toMatchObject({ text: 'x' });
  });

  it('is not confirmed when it was dropped: its session has ended, or it has expired', async () => {
    const options = { clientId: 'ended', ...lasting };
    await leave(await service.connect(acme, options));
    const waiting = send('ended', { topic: 'a', qos: 1 }, '&confirm=5');
    await service.connect(acme, { clientId: 'ended', clean: true });
    expect((await waiting).body.confirmed).not.toBe(true);

    await leave(await service.connect(acme, { clientId: 'expired', ...lasting }));
    const message = { topic: 'a', qos: 1, expirySeconds: 0 };
    await service.connect(acme, { clientId: 'expired', ...lasting });
    expect((await send('expired', message, '&confirm=1')).body.confirmed).toBe(false);
  });

  it.each([1, 2])('with an id is queued once (QoS %i)', async (qos) => {
    const options = { clientId: `once-${qos}`, ...lasting };
    await leave(await service.connect(acme, options));
    const message = { topic: 'a', payload: 'x', qos, id: 'order-7' };
    expect((await send(options.clientId, message)).body).toEqual({ outcome: 'queued' });
    expect((await send(options.clientId, message)).body).toEqual({ outcome: 'queued', repeated: true });
    const received = await resume(options);
    await received.next();
    expect((await send(options.clientId, message, '&confirm=10')).body).toEqual({
      outcome: 'queued',
      repeated: true,
      confirmed: true,
    });
    await send(options.clientId, { topic: 'a', payload: 'last', qos: 1 });
    expect(await received.next()).toMatchObject({ text: 'last' });
  });

  it('with an id is queued once by concurrent requests', async () => {
    const options = { clientId: 'concurrent', ...lasting };
    await leave(await service.connect(acme, options));
    const message = { topic: 'a', payload: 'x', qos: 1, id: 'same' };
    await Promise.all(Array.from({ length: 5 }, () => send('concurrent', message)));
    expect((await api('GET', '/tenants/acme/client?clientId=concurrent')).body.queuedMessages).toBe(1);
  });

  it('is refused when the queue is full', async () => {
    const mint = await service.tenant('full');
    await api('PUT', '/tenants/full/quotas', { queuedMessages: 10 });
    await leave(await service.connect(mint, { clientId: 'c', ...lasting }));
    const answers = [];
    for (let count = 0; count < 11; count += 1)
      answers.push(await send('c', { topic: 'a', qos: 1 }, '', 'full'));
    expect(answers.map(({ status }) => status)).toEqual([...Array.from({ length: 10 }, () => 200), 409]);
    expect(answers[10]?.body.code).toBe('client-queue-full');
  });

  it('is refused when it is larger than the client accepts', async () => {
    const properties = { maximumPacketSize: 100 };
    await service.connect(acme, { clientId: 'small', properties });
    for (const qos of [0, 1])
      expect(await send('small', { topic: 'a', payload: 'x'.repeat(100), qos })).toMatchObject({
        status: 413,
        body: { code: 'client-packet-too-large' },
      });
  });

  it.each([
    [{ topic: 'a/+' }, '', 400, 'topic-wildcard'],
    [{ topic: '$SYS/x' }, '', 403, 'publish-not-authorized'],
    [{ topic: '' }, '', 400, 'topic-empty'],
    [{ topic: 'a', retain: true }, '', 400, 'body'],
    [{ topic: 'a', id: '' }, '', 400, 'body'],
    [{ topic: 'a', id: 'a b' }, '', 400, 'body'],
    [{ topic: 'a', id: 'x' }, '', 400, 'body'],
    [{ topic: 'a' }, '&confirm=1', 400, 'body'],
    [{ topic: 'a', qos: 1 }, '&confirm=0', 400, 'parameter'],
    [{ topic: 'a', qos: 1 }, '&confirm=26', 400, 'parameter'],
  ] as const)('%j%s is refused', async (body, query, status, code) => {
    await service.connect(acme, { clientId: 'refusing' });
    expect(await send('refusing', body, query)).toMatchObject({ status, body: { code } });
  });

  it('is refused when it is larger than a packet may be', async () => {
    expect(await send('c', { topic: 'a', payload: 'x'.repeat(140_000) })).toMatchObject({
      status: 413,
      body: { code: 'packet-too-large' },
    });
  });

  it('needs a session and an active tenant', async () => {
    expect(await send('nobody', { topic: 'a', qos: 1 })).toMatchObject({
      status: 404,
      body: { code: 'client-unknown' },
    });
    expect(await send('x'.repeat(257), { topic: 'a' })).toMatchObject({ status: 404 });
    expect(await send('c', { topic: 'a' }, '', 'nobody')).toMatchObject({ body: { code: 'tenant-unknown' } });
    await service.tenant('asleep');
    await api('POST', '/tenants/asleep/suspend');
    expect(await send('c', { topic: 'a' }, '', 'asleep')).toMatchObject({
      body: { code: 'tenant-inactive' },
    });
  });

  it('counts in usage and against the rate of the tenant', async () => {
    const mint = await service.tenant('rated');
    await api('PUT', '/tenants/rated/quotas', { publishesPerSecond: 1 });
    await leave(await service.connect(mint, { clientId: 'c', ...lasting }));
    const statuses = [];
    for (let count = 0; count < 40; count += 1)
      statuses.push((await send('c', { topic: 'a', qos: 1 }, '', 'rated')).status);
    expect(statuses).toContain(200);
    expect(statuses).toContain(429);
  });
});
