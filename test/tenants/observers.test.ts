// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of grants look like this
import { beforeAll, expect, test } from 'vitest';
import { createMeter } from '../../lib/local/dynamodb/meter.ts';
import type { ConnectPacket } from '../../lib/mqtt/types.ts';
import { type Api, apiAt } from '../admin/api.ts';
import { publish, subscribe } from '../broker/packets.ts';
import { type ConnectFields, useSuite } from '../broker/suite.ts';
import { localTables } from '../support/service.ts';

let meter: ReturnType<typeof createMeter> | undefined;
const suite = useSuite({
  wrapStore: (handler) => {
    meter = createMeter(handler as Parameters<typeof createMeter>[0]);
    return meter.requestHandler;
  },
});

interface Observer {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly expiresAt: string;
}

let api: Api;
beforeAll(() => {
  api = apiAt(suite.service.adminUrl);
});

async function createIn(tenant: string, filters: readonly string[], seconds?: number): Promise<Observer> {
  const body = { filters, ...(seconds === undefined ? {} : { seconds }) };
  const answer = await api('POST', `/tenants/${tenant}/observers`, body);
  expect(answer.status).toBe(201);
  return answer.body;
}
const create = (...filters: readonly string[]) => createIn(suite.mint.tenant, filters);
const end = (observer: Observer) =>
  api('DELETE', `/tenants/${observer.username}/observers/${observer.clientId}`);

const observing = (observer: Observer, fields: ConnectFields = {}): ConnectFields => ({
  clientId: observer.clientId,
  username: observer.username,
  token: observer.password,
  ...fields,
});

/** What a refused CONNECT gets. */
async function refusal(fields: ConnectFields): Promise<unknown> {
  const client = await suite.open();
  const { pushes } = await client.exchange(await suite.connectPacket(fields));
  return pushes[0];
}
const refused = (reasonCode: number) => ({
  cmd: 'connack',
  reasonCode,
  properties: { reasonString: expect.any(String) },
});

test('an observer sees what is published to its filters, and ends with its request', async () => {
  const observer = await create('seen/+');
  const watching = await suite.connect(observing(observer));
  expect(await watching.send(subscribe(1, 'seen/+'))).toMatchObject([{ cmd: 'suback', granted: [0] }]);
  const publisher = await suite.connect();
  await publisher.send(publish('seen/1', suite.text('one')), publish('unseen', suite.text('two')));
  expect(await watching.settle()).toMatchObject([{ cmd: 'publish', topic: 'seen/1' }]);
  const path = `/tenants/${suite.mint.tenant}/observers`;
  const { clientId, filters, expiresAt } = (await api('GET', path)).body.observers[0];
  expect({ clientId, filters }).toEqual({ clientId: observer.clientId, filters: ['seen/+'] });
  expect(Date.parse(expiresAt)).toBe(suite.clock.now() + 600_000);

  expect((await end(observer)).status).toBe(204);
  await watching.closed;
  expect(await watching.take(1)).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x98 }]);
  expect(await refusal(observing(observer))).toMatchObject(refused(0x87));
  expect((await api('GET', path)).body).toEqual({ observers: [] });
  expect(await end(observer)).toMatchObject({ status: 404, body: { code: 'observer-unknown' } });
});

test('it ends at its time, whatever keep-alive its client asks for', async () => {
  const observer = await createIn(suite.mint.tenant, ['late'], 60);
  const watching = await suite.connect(observing(observer));
  await suite.advance(61);
  await watching.closed;
  expect(await watching.take(1)).toMatchObject([{ cmd: 'disconnect', reasonCode: 0xa0 }]);
  expect(await refusal(observing(observer))).toMatchObject(refused(0x87));
});

test('its session ends with its connection, in MQTT 3.1.1 too', async () => {
  for (const fields of [
    { protocolVersion: 4, clean: false },
    { clean: false, properties: { sessionExpiryInterval: 3600 } },
  ] satisfies Partial<ConnectPacket>[]) {
    const observer = await create('kept');
    const watching = await suite.connect(observing(observer, fields));
    await watching.send(subscribe(1, 'kept'));
    await suite.cut(watching);
    await suite.released();
    const again = await suite.connect(observing(observer, fields));
    expect(again.connack).not.toHaveProperty('sessionPresent');
    await end(observer);
    await again.closed;
  }
});

test('it may do nothing but subscribe to exactly its filters at QoS 0', async () => {
  const observer = await create('only/+', 'only/${clientId}');
  const watching = await suite.connect(observing(observer));
  const asked = ['only/+', 'only/${clientId}', 'only/1', 'only/#', '#', '$SYS/#', '$share/g/only/+'];
  const one = { topic: 'only/+', qos: 1 } as const;
  expect(await watching.send(subscribe(1, ...asked, { ...one, nl: false, rap: false, rh: 0 }))).toMatchObject(
    [{ granted: [0, 0, 0x87, 0x87, 0x87, 0x87, 0x87, 0x87] }],
  );
  for (const retain of [false, true])
    expect(
      await watching.send(publish('only/1', suite.text('x'), { qos: 1, messageId: 2, retain })),
    ).toMatchObject([{ cmd: 'puback', reasonCode: 0x87 }]);
  const will = { topic: 'only/1', payload: Buffer.from('w'), qos: 0, retain: false } as const;
  expect(await refusal(observing(observer, { will }))).toMatchObject(refused(0x87));
  // Its password opens the HTTP API as little.
  const answer = await fetch(`${suite.service.publishUrl}/only/1?tenant=${suite.mint.tenant}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${observer.password}` },
    body: 'x',
  });
  expect(await answer.json()).toMatchObject({ status: 403, code: 'publish-not-authorized' });
  await end(observer);
});

test('a member of a share is not robbed: the observer gets a copy', async () => {
  const member = await suite.connect();
  await member.send(subscribe(1, '$share/workers/jobs'));
  const observer = await create('jobs');
  const watching = await suite.connect(observing(observer));
  await watching.send(subscribe(1, 'jobs'));
  const publisher = await suite.connect();
  for (let number = 0; number < 5; number += 1)
    await publisher.send(publish('jobs', suite.text(`${number}`)));
  expect(await member.settle()).toHaveLength(5);
  expect(await watching.settle()).toHaveLength(5);
  await end(observer);
});

test('forged, guessed, foreign and misnamed passwords are refused alike, each with one read', async () => {
  await suite.tenant('foreign');
  const observer = await create('secret');
  const { password, clientId } = observer;
  const guess = `${password.slice(0, -43)}${'A'.repeat(43)}`;
  const otherSlot = password.replace(/\.\d\d\./, '.19.');
  const strangers: ConnectFields[] = [
    observing(observer, { token: guess }),
    observing(observer, { token: otherSlot }),
    observing(observer, { username: 'foreign' }),
    observing(observer, { username: 'nobody' }),
    observing(observer, { username: 'Not/A/Name' }),
  ];
  for (const fields of strangers) {
    meter?.reset();
    expect(await refusal(fields)).toMatchObject({
      ...refused(0x86),
      properties: { reasonString: expect.stringContaining('could not be verified') },
    });
    const reads = meter?.calls.filter(({ tables }) => tables.includes(localTables.tenants)) ?? [];
    expect(reads.reduce((sum, { readUnits }) => sum + readUnits, 0)).toBeLessThanOrEqual(1);
  }
  for (const token of [
    'wisp-operator.',
    'wisp-operator.00.',
    `${password}A`,
    'wisp-operator.00.e30.e30',
    '..',
  ])
    expect(await refusal(observing(observer, { token }))).toMatchObject(refused(0x86));
  expect(await refusal(observing(observer, { username: '' }))).toMatchObject(refused(0x86));
  expect(await refusal(observing(observer, { clientId: 'another' }))).toMatchObject({ cmd: 'connack' });
  expect(suite.service.logged.join('\n')).not.toContain(password.slice(-43));
  // The right one still works, and not for a client id of its own choice.
  const watching = await suite.connect(observing(observer, { clientId: '' }));
  expect(watching.clientId).toBe(clientId);
  await end(observer);
});

test('a suspended tenant has no observers, and a deleted one leaves none', async () => {
  await suite.tenant('ending');
  const observer = await createIn('ending', ['#']);
  await api('POST', '/tenants/ending/suspend');
  expect(await refusal(observing(observer))).toMatchObject(refused(0x87));
  expect(await api('POST', '/tenants/ending/observers', { filters: ['#'] })).toMatchObject({
    status: 403,
    body: { code: 'tenant-inactive' },
  });
  await suite.service.stores.tenantAdmin.delete('ending');
  await suite.tenant('ending');
  expect(await refusal(observing(observer))).toMatchObject(refused(0x86));
});

test('a tenant has at most 20, exactly, and a revocation ends them', async () => {
  const tenant = 'crowded';
  await suite.tenant(tenant);
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => api('POST', `/tenants/${tenant}/observers`, { filters: ['a'] })),
  );
  const made = answers.filter(({ status }) => status === 201).map(({ body }) => body as Observer);
  expect(made).toHaveLength(20);
  expect(new Set(made.map(({ clientId }) => clientId)).size).toBe(20);
  expect(answers.find(({ status }) => status !== 201)).toMatchObject({
    status: 429,
    body: { code: 'observers-too-many' },
  });
  const [first] = made;
  if (first === undefined) throw new Error('none');
  await end(first);
  await createIn(tenant, ['b']);
  await api('POST', `/tenants/${tenant}/revoke`, { all: true });
  const [, second] = made;
  if (second === undefined) throw new Error('none');
  expect(await refusal(observing(second))).toMatchObject(refused(0x87));
});

test('the quota of connections does not refuse it', async () => {
  const mint = await suite.tenant('full');
  await api('PUT', '/tenants/full/quotas', { connections: 0 });
  expect(await refusal({ username: 'full', token: await mint({ exp: undefined }) })).toMatchObject(
    refused(0x97),
  );
  await suite.connect(observing(await createIn('full', ['a'])));
});

test.each([
  [{ filters: [] }],
  [{ filters: ['$share/g/a'] }],
  [{ filters: ['a/#/b'] }],
  [{ filters: ['$SYS/tenants/other/#'] }],
  [{ filters: ['$SYS/#'] }],
  [{ filters: ['$other/a'] }],
  [{ filters: Array.from({ length: 9 }, (_, number) => `a/${number}`) }],
  [{ filters: ['a'], seconds: 0 }],
  [{ filters: ['a'], seconds: 3601 }],
  [{ filters: ['a'], publish: ['a'] }],
])('%j is refused', async (body) => {
  expect(await api('POST', `/tenants/${suite.mint.tenant}/observers`, body)).toMatchObject({
    status: 400,
    body: { code: 'body' },
  });
});
