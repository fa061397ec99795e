import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Mint, startTestService, type TestService } from '../support/service.ts';
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

const kept = { clean: false, properties: { sessionExpiryInterval: 3_600 } };

async function explain(topic: string, more: Record<string, string> = {}) {
  const { status, body } = await api(
    'GET',
    `/tenants/acme/explain?${new URLSearchParams({ topic, ...more })}`,
  );
  expect(status).toBe(200);
  return body;
}

async function client(
  clientId: string,
  filters: Record<string, { qos: 0 | 1 | 2; nl?: boolean }>,
  options = {},
) {
  const connected = await service.connect(acme, { clientId, ...options });
  await connected.subscribeAsync(filters);
  return connected;
}

const codes = (findings: readonly { code: string }[]) => findings.map(({ code }) => code);

describe('GET /tenants/{tenant}/explain', () => {
  it('shows each subscription with its session, rights and queue, as delivery then does it', async () => {
    await client('online', { 'room/+/light': { qos: 1 } });
    const sleeper = await client('sleeper', { 'room/#': { qos: 1 } }, kept);
    await sleeper.endAsync();
    const idler = await client('idler', { 'room/1/light': { qos: 0 } }, kept);
    await idler.endAsync();
    const { recipients, rules, findings } = await explain('room/1/light');
    expect(findings).toEqual([]);
    expect(rules).toEqual([]);
    expect(recipients).toHaveLength(3);
    const of = (clientId: string) =>
      recipients.find((one: { clientId: string }) => one.clientId === clientId);
    expect(of('online')).toMatchObject({
      outcome: 'sent',
      online: true,
      qos: 1,
      maySubscribe: true,
      mayPublish: true,
    });
    expect(of('sleeper')).toMatchObject({ outcome: 'queued', online: false });
    expect(codes(of('sleeper').findings)).toEqual(['offline-queued']);
    expect(of('idler')).toMatchObject({ outcome: 'dropped' });
    expect(codes(of('idler').findings)).toEqual(['offline-qos-0']);

    const publisher = await service.connect(acme);
    await publisher.publishAsync('room/1/light', 'on', { qos: 1 });
    expect((await explain('room/1/light', { clientId: 'sleeper' })).client).toMatchObject({
      receives: 'later',
      subscriptions: [{ queue: { messages: 1, mode: 'queued' } }],
    });
  });

  it('pages as subscribers do', async () => {
    for (let index = 0; index < 3; index += 1) await client(`paged-${index}`, { 'paged/x': { qos: 1 } });
    const first = await explain('paged/x', { limit: '2' });
    expect(first.recipients).toHaveLength(2);
    const second = await explain('paged/x', { limit: '2', page: first.next });
    const all = [...first.recipients, ...second.recipients].map((one: { clientId: string }) => one.clientId);
    expect(all.toSorted()).toEqual(['paged-0', 'paged-1', 'paged-2']);
  });

  it('says why one client does not get it', async () => {
    expect((await explain('a', { clientId: 'nobody' })).client).toMatchObject({ receives: 'no' });
    expect(codes((await explain('a', { clientId: 'nobody' })).client.findings)).toEqual(['no-session']);

    const token = await acme({ mqtt: { publish: ['own/#'], subscribe: ['own/#'] } });
    await client('near', { 'own/7/temp': { qos: 1 }, 'own/+': { qos: 1 } }, { password: token });
    const near = (await explain('own/7/temperature', { clientId: 'near' })).client;
    expect(codes(near.findings)).toEqual(['no-filter']);
    expect(near.nearest).toEqual([
      { filter: 'own/7/temp', level: 3, text: 'the filter has "temp", the topic has "temperature"' },
      { filter: 'own/+', level: 3, text: 'the filter has ended, the topic has "temperature"' },
    ]);
    expect(codes((await explain('other', { clientId: 'near' })).client.findings)).toEqual([
      'no-filter',
      'subscribe-right-missing',
    ]);

    expect((await api('PUT', '/tenants/acme/client/ban?clientId=nobody', { seconds: 60 })).status).toBe(200);
    expect(codes((await explain('a', { clientId: 'nobody' })).client.findings)).toEqual([
      'banned',
      'no-session',
    ]);

    await client('wide', { '#': { qos: 1 } });
    const dollar = (await explain('$SYS/x', { clientId: 'wide' })).client;
    expect(codes(dollar.findings)).toEqual(['no-filter', 'dollar-topic', 'subscribe-right-missing']);

    await client('echo', { 'echo/x': { qos: 1, nl: true } });
    const own = await explain('echo/x', { clientId: 'echo', publisher: 'echo' });
    expect(own.client).toMatchObject({ receives: 'no' });
    expect(codes(own.client.subscriptions[0].findings)).toEqual(['no-local']);
    expect((await explain('echo/x', { clientId: 'echo' })).client.receives).toBe('yes');

    await client('small', { 'small/x': { qos: 1 } }, { properties: { maximumPacketSize: 200 } });
    const large = (await explain('small/x', { clientId: 'small', bytes: '300' })).client;
    expect(codes(large.subscriptions[0].findings)).toEqual(['too-large']);
    expect((await explain('small/x', { clientId: 'small' })).client.receives).toBe('yes');
  });

  it('tells what the publisher may not, what is retained, what rules take, and what was refused', async () => {
    const token = await acme({ mqtt: { publish: ['pub/#'], subscribe: [] } });
    const publisher = await service.connect(acme, { clientId: 'limited', password: token });
    await publisher.publishAsync('pub/x', 'kept', { retain: true, qos: 1 });
    const rule = { filter: 'pub/+', target: { kind: 'republish', topic: 'copies' } };
    expect((await api('PUT', '/tenants/acme/rules/copy', rule)).status).toBe(201);
    expect(await explain('pub/x', { publisher: 'limited' })).toMatchObject({
      findings: [],
      retained: { qos: 1, payloadBytes: 4 },
      rules: [{ name: 'copy', filter: 'pub/+', status: 'active', hasPattern: false }],
    });
    expect(codes((await explain('other/x', { publisher: 'limited' })).findings)).toEqual([
      'publish-right-missing',
    ]);
    await expect(publisher.publishAsync('other/x', 'no', { qos: 1 })).rejects.toThrow();
    expect(codes((await explain('pub/x', { publisher: 'nobody' })).findings)).toEqual(['publisher-offline']);
  });

  it('knows that members of a share that are online come first', async () => {
    const away = await client('away', { '$share/g/jobs': { qos: 1 } }, kept);
    await away.endAsync();
    expect((await explain('jobs', { clientId: 'away' })).client).toMatchObject({ receives: 'perhaps' });
    await client('here', { '$share/g/jobs': { qos: 1 } });
    const { client: answer } = await explain('jobs', { clientId: 'away' });
    expect(answer.receives).toBe('no');
    expect(codes(answer.subscriptions[0].findings)).toEqual(['shared-online']);
    expect((await explain('jobs', { clientId: 'here' })).client.receives).toBe('perhaps');
  });

  it('refuses what is no topic, client or size', async () => {
    for (const [query, code] of [
      ['topic=a/%23', 'topic-wildcard'],
      ['', 'parameter'],
      ['topic=a&qos=3', 'parameter'],
      [`topic=a&clientId=${'x'.repeat(300)}`, 'client-id'],
    ])
      expect(await api('GET', `/tenants/acme/explain?${query}`)).toMatchObject({ body: { code } });
    expect(await api('GET', '/tenants/nobody/explain?topic=a')).toMatchObject({
      body: { code: 'tenant-unknown' },
    });
  });

  it('says that a suspended tenant delivers nothing', async () => {
    const other = await service.tenant('asleep');
    expect(other.tenant).toBe('asleep');
    await api('POST', '/tenants/asleep/suspend');
    const { body } = await api('GET', '/tenants/asleep/explain?topic=a');
    expect(codes(body.findings)).toEqual(['tenant-suspended']);
  });
});
