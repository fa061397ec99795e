import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defaultSettings } from '../../lib/core/settings.ts';
import { type Api, apiAt } from '../admin/api.ts';
import { publish, subscribe } from '../broker/packets.ts';
import { type Connected, useSuite } from '../broker/suite.ts';

const suite = useSuite();

let api: Api;
beforeAll(() => {
  api = apiAt(suite.service.adminUrl);
});

const everything = { publish: ['#'], subscribe: ['#', '$SYS/#'] };

type Line = Readonly<Record<string, unknown>>;

const trace = (clientId: string, body: object = {}) =>
  api('PUT', `/tenants/${suite.mint.tenant}/client/trace?clientId=${encodeURIComponent(clientId)}`, body);
const end = (clientId: string) =>
  api('DELETE', `/tenants/${suite.mint.tenant}/client/trace?clientId=${encodeURIComponent(clientId)}`);

/** Lines of clients, as an operator's session gets them. */
let watching: Connected;
async function lines(): Promise<Line[]> {
  const got = await watching.settle();
  return got.map(({ payload }) => JSON.parse(String(payload)) as Line);
}
/** The lines without what differs between runs. */
const steps = (all: readonly Line[]): Line[] =>
  all.map(({ at: _at, client: _client, connection: _connection, id: _id, ...rest }) => rest);

let number = 0;
/** A client that is traced from its CONNECT on. */
async function traced(fields: Parameters<typeof suite.connect>[0] = {}): Promise<Connected> {
  number += 1;
  const clientId = fields.clientId ?? `traced-${number}`;
  expect((await trace(clientId)).status).toBe(200);
  const client = await suite.connect({ ...fields, clientId });
  expect(await lines()).toMatchObject([
    { step: 'connect', client: clientId, connection: expect.any(String) },
  ]);
  return client;
}

beforeEach(async () => {
  const filters = [`$SYS/tenants/${suite.mint.tenant}/trace/+`];
  const { body } = await api('POST', `/tenants/${suite.mint.tenant}/observers`, { filters });
  watching = await suite.connect({ clientId: body.clientId, username: body.username, token: body.password });
  await watching.send(subscribe(1, ...filters));
  return async () => {
    await api('DELETE', `/tenants/${suite.mint.tenant}/observers/${body.clientId}`);
    await watching.closed;
  };
});

describe('the lines of a client', () => {
  test('that publishes: admitted, matched, with the id that its subscribers see', async () => {
    const publisher = await traced();
    const subscriber = await traced();
    await subscriber.send(subscribe(1, { topic: 'm/+', qos: 1, nl: false, rap: false, rh: 0 }));
    expect(steps(await lines())).toEqual([{ step: 'subscribed', filter: 'm/+', qos: 1 }]);
    await publisher.send(publish('m/1', suite.text('x'), { qos: 1, messageId: 7 }));
    const told = await lines();
    expect(steps(told.filter(({ client }) => client === publisher.clientId))).toEqual([
      { step: 'admitted', topic: 'm/1', qos: 1 },
      { step: 'matched', topic: 'm/1', clients: 1 },
    ]);
    const [{ packetId }] = told.filter(({ step }) => step === 'queued') as [Line];
    expect(steps(told.filter(({ client }) => client === subscriber.clientId))).toEqual([
      { step: 'queued', topic: 'm/1', qos: 1, packetId },
      { step: 'posted', topic: 'm/1', qos: 1, packetId },
    ]);
    expect(new Set(told.map(({ id }) => id)).size).toBe(1);
    await subscriber.send({ cmd: 'puback', messageId: Number(packetId) });
    expect(steps(await lines())).toEqual([{ step: 'acknowledged', packet: 'puback', packetId }]);
  });

  test('that is offline: QoS 0 is dropped, QoS 1 is queued and posted when it returns', async () => {
    const fields = { clean: false, properties: { sessionExpiryInterval: 600 } };
    const client = await traced(fields);
    await client.send(subscribe(1, { topic: 'o', qos: 1, nl: false, rap: false, rh: 0 }));
    await suite.cut(client);
    await suite.released(watching);
    expect((await lines()).at(-1)).toMatchObject({ step: 'disconnect', by: 'network' });
    const publisher = await suite.connect();
    await publisher.send(
      publish('o', suite.text('0')),
      publish('o', suite.text('1'), { qos: 1, messageId: 1 }),
    );
    const told = steps(await lines());
    expect(told).toEqual(
      expect.arrayContaining([
        { step: 'queued', topic: 'o', qos: 1, packetId: expect.any(Number) },
        { step: 'dropped', code: 'client-offline', topic: 'o' },
      ]),
    );
    expect(told).toHaveLength(2);
    await suite.connect({ ...fields, clientId: client.clientId });
    expect((await lines()).map(({ step }) => step)).toEqual(['posted', 'connect']);
  });

  test('that ends: why, and by whom', async () => {
    const client = await traced();
    await api('POST', `/tenants/${suite.mint.tenant}/client/disconnect?clientId=${client.clientId}`);
    await client.closed;
    expect(steps(await lines())).toEqual([
      { step: 'disconnect', code: 'client-disconnected', by: 'server', reasonCode: 0x98 },
    ]);
    const again = await suite.connect({ clientId: client.clientId });
    await suite.connect({ clientId: client.clientId });
    await again.closed;
    const [, disconnect, connect] = await lines();
    expect(disconnect).toMatchObject({ step: 'disconnect', code: 'session-taken-over' });
    expect(connect).toMatchObject({ step: 'connect' });
    expect(disconnect?.connection).not.toBe(connect?.connection);
  });

  test('a retained message is posted as one', async () => {
    const publisher = await suite.connect();
    await publisher.send(publish('kept', suite.text('x'), { retain: true }));
    const client = await traced();
    await client.send(subscribe(1, 'kept'));
    expect(steps(await lines())).toEqual([
      { step: 'subscribed', filter: 'kept', qos: 0 },
      { step: 'posted', topic: 'kept', qos: 0, retain: true },
    ]);
    await publisher.send(publish('kept', '', { retain: true }));
  });
});

test('what is refused or dropped is told with its code', async () => {
  const client = await traced({
    claims: { mqtt: { publish: ['up'], subscribe: ['down'] } },
    properties: { maximumPacketSize: 600 },
  });
  await client.send(subscribe(1, 'down', 'other'));
  await client.send(publish('other', suite.text('x')));
  const publisher = await suite.connect();
  await publisher.send(publish('down', 'x'.repeat(1_000)));
  expect(steps(await lines())).toMatchObject([
    { step: 'subscribed', filter: 'down' },
    { step: 'refused', code: 'subscribe-not-authorized', what: 'filter', filter: 'other' },
    { step: 'refused', code: 'publish-not-authorized', what: 'publish', topic: 'other' },
    { step: 'dropped', code: 'client-packet-too-large', topic: 'down' },
  ]);
  await end(client.clientId);
});

test('neither payload nor user property is told, in the lines or the log', async () => {
  const client = await traced();
  await client.send(
    publish('told', suite.text('x'), { properties: { userProperties: [['a', suite.secret]] } }),
  );
  const told = JSON.stringify(await lines());
  expect(told).toContain('admitted');
  expect(told).not.toContain(suite.secret);
  const logged = suite.service.logged.filter((line) => line.includes('trace') && line.includes('told'));
  expect(logged.join('\n')).toContain('admitted');
});

test('a topic and a client id are data: escaped in the log, one level of the topic, and cut', async () => {
  const clientId = 'a/+#%\u001b[2J';
  const { body } = await trace(clientId);
  expect(body.topic).toBe(`$SYS/tenants/${suite.mint.tenant}/trace/a%2F%2B%23%25\u001b[2J`);
  const client = await traced({ clientId });
  await client.send(publish(`\u001b[2J/${'x'.repeat(900)}`, suite.text('x')));
  const [admitted] = await lines();
  expect(admitted).toMatchObject({ client: clientId, topic: `\u001b[2J/${'x'.repeat(251)}…` });
  expect(suite.service.logged.some((line) => line.includes('\u001b'))).toBe(false);
  await end(clientId);
});

test('it ends when it is told to, and at its time', async () => {
  const client = await traced();
  expect((await end(client.clientId)).status).toBe(204);
  await client.send(publish('ended', suite.text('x')));
  expect(await lines()).toEqual([]);
  await trace(client.clientId, { seconds: 30 });
  await client.send(publish('again', suite.text('x')));
  expect((await lines()).map(({ step }) => step)).toEqual(['admitted', 'matched']);
  await suite.advance(31);
  await client.send(publish('ended', suite.text('x')));
  expect(await lines()).toEqual([]);
  expect((await end('unknown')).status).toBe(204);
});

test('a client that is flooded tells 50 lines a second and how many it left out', async () => {
  const client = await traced();
  const { traceLinesPerSecond } = defaultSettings;
  const packets = Array.from({ length: 200 }, (_, index) => publish('flood', `${index}`));
  await client.send(...packets);
  expect(await lines()).toHaveLength(traceLinesPerSecond - 1);
  await suite.advance(1);
  await client.send(publish('flood', 'x'));
  const [first] = await lines();
  expect(first).toMatchObject({ step: 'admitted', leftOut: 400 - traceLinesPerSecond + 1 });
  await end(client.clientId);
});

test('the lines of a traced client that watches its own trace bring about no lines', async () => {
  const client = await traced({ claims: { mqtt: everything } });
  const { topic } = (await trace(client.clientId)).body;
  await client.send(subscribe(1, topic));
  expect(steps(await lines())).toEqual([{ step: 'subscribed', filter: topic, qos: 0 }]);
  await client.send(publish('once', suite.text('x')));
  expect((await lines()).map(({ step }) => step)).toEqual(['admitted', 'matched']);
  expect((await client.settle()).length).toBeGreaterThanOrEqual(2);
  expect(await lines()).toEqual([]);
  await end(client.clientId);
});

test('a rule on the topics of traces does not fire', async () => {
  const path = `/tenants/${suite.mint.tenant}/rules/loop`;
  const rule = {
    filter: `$SYS/tenants/${suite.mint.tenant}/trace/+`,
    target: { kind: 'republish', topic: 'looped' },
  };
  expect((await api('PUT', path, rule)).status).toBe(201);
  const client = await traced();
  await client.send(subscribe(1, 'looped'));
  await client.send(publish('x', suite.text('x')));
  await suite.service.queues.idle();
  expect(await client.settle()).toEqual([]);
  await end(client.clientId);
  await api('DELETE', path);
});

test('a client with no row gets one that is no session', async () => {
  const clientId = 'never-seen';
  await trace(clientId);
  expect(await api('GET', `/tenants/${suite.mint.tenant}/client?clientId=${clientId}`)).toMatchObject({
    status: 404,
    body: { code: 'client-unknown' },
  });
  const client = await suite.connect({ clientId, clean: false });
  expect(client.connack).not.toHaveProperty('sessionPresent');
  expect((await lines()).map(({ step }) => step)).toEqual(['connect']);
  await end(clientId);
});

test.each([[{ seconds: 0 }], [{ seconds: 3_601 }], [{ forever: true }]])('%j is refused', async (body) => {
  expect(await trace('x', body)).toMatchObject({ status: 400, body: { code: 'body' } });
});

test('another tenant sees nothing of it', async () => {
  const mint = await suite.tenant('stranger');
  const stranger = await suite.connect({
    username: 'stranger',
    token: await mint({ exp: undefined, mqtt: everything }),
  });
  const filters = ['#', `$SYS/tenants/${suite.mint.tenant}/trace/+`, '$SYS/#'];
  expect(await stranger.send(subscribe(1, ...filters))).toMatchObject([{ granted: [0, 0, 0] }]);
  const client = await traced();
  await client.send(publish('x', suite.text('x')));
  expect((await lines()).length).toBeGreaterThan(0);
  const got = await stranger.settle();
  expect(got.filter(({ topic }) => String(topic).includes('/trace/'))).toEqual([]);
  await end(client.clientId);
});
