import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminPrefix, routes } from '../../lib/admin/index.ts';
import { inbox, type Mint, startTestService, type TestService } from '../support/service.ts';
import { type Api, apiAt } from './api.ts';
import { document, operations } from './openapi.ts';
import { requestSchemas } from './schemas.ts';

let service: TestService;
let api: Api;
let acme: Mint;

beforeAll(async () => {
  service = await startTestService();
  api = apiAt(service.adminUrl);
  acme = await service.tenant('acme');
});
afterAll(() => service.close());

describe('the document', () => {
  it('describes every route, and no other', () => {
    const served = routes.flatMap(({ path, methods }) =>
      Object.keys(methods).map((method) => `${method} ${adminPrefix}${path}`),
    );
    const described = operations()
      .map(({ method, path }) => `${method} ${path}`)
      .filter((operation) => operation.includes(adminPrefix));
    expect(described.sort()).toEqual(served.sort());
  });

  it('has the request bodies of the schemas (after a change: npx tsx test/admin/write-openapi.ts)', () => {
    expect(document.components.schemas).toMatchObject(requestSchemas);
  });
});

describe('tenants', () => {
  it('are made idempotently: the same request again finds the tenant, another is refused', async () => {
    const body = { issuers: [], quotas: { connections: 5 } };
    const made = await api('PUT', '/tenants/made', body);
    expect(made).toMatchObject({ status: 201, body: { name: 'made', status: 'active', ...body } });
    expect(await api('PUT', '/tenants/made', body)).toEqual({ ...made, status: 200 });
    expect(await api('PUT', '/tenants/made', { quotas: { connections: 6 } })).toMatchObject({
      status: 409,
      contentType: 'application/problem+json',
      body: { code: 'tenant-exists', status: 409 },
    });
    expect((await api('GET', '/tenants/made')).body).toEqual(made.body);
  });

  it('are listed by name in pages', async () => {
    const names = ['list-c', 'list-a', 'list-b'];
    for (const name of names) await api('PUT', `/tenants/${name}`, {});
    const listed: string[] = [];
    let next: string | undefined;
    do {
      const { body } = await api('GET', `/tenants?limit=2${next === undefined ? '' : `&page=${next}`}`);
      listed.push(...body.tenants.map(({ name }: { name: string }) => name));
      next = body.next;
    } while (next !== undefined);
    expect(listed.filter((name) => name.startsWith('list-'))).toEqual(['list-a', 'list-b', 'list-c']);
    expect(listed).toEqual([...listed].sort());
  });

  it('have quotas that hold from the next frame on', async () => {
    const mint = await service.tenant('quotas');
    expect((await api('PUT', '/tenants/quotas/quotas', { shapes: 1 })).body.quotas).toEqual({ shapes: 1 });
    const client = await service.connect(mint, { clientId: 'c' });
    await client.subscribeAsync('a');
    await expect(client.subscribeAsync('+')).rejects.toThrow('Quota exceeded');
  });

  it.each([
    ['GET', '/tenants/nobody', undefined, 404, 'tenant-unknown'],
    ['DELETE', '/tenants/nobody', undefined, 404, 'tenant-unknown'],
    ['GET', '/tenants/Nobody', undefined, 400, 'tenant-name'],
    ['GET', '/tenants/a%2F..%2Fb', undefined, 404, 'not-found'],
    ['POST', '/tenants', {}, 405, 'method'],
    ['GET', '/elsewhere', undefined, 404, 'not-found'],
    ['PUT', '/tenants/x', { issuer: [] }, 400, 'tenant-config'],
    ['PUT', '/tenants/x', '{', 415, 'content-type'],
    ['PUT', '/tenants/x', { quotas: { connections: -1 } }, 400, 'tenant-config'],
    ['PUT', '/tenants/x', { issuers: [{ keys: { kind: 'none' } }] }, 400, 'tenant-config'],
    ['GET', '/tenants?limit=0', undefined, 400, 'parameter'],
    ['GET', '/tenants?limit=101', undefined, 400, 'parameter'],
    ['GET', '/tenants?page=x', undefined, 400, 'page'],
  ] as const)('%s %s is refused with a stable code', async (method, path, body, status, code) => {
    expect(await api(method, path, body)).toMatchObject({
      status,
      contentType: 'application/problem+json',
      body: { status, code },
    });
  });

  it('names the member that is wrong, with its path, and not its value', async () => {
    const keys = { kind: 'secret', secret: 'A'.repeat(43) };
    for (const [method, path, body, detail] of [
      ['PUT', '/tenants/x', { issuer: [] }, ': unknown member "issuer"'],
      ['PUT', '/tenants/x', { issuers: [{ keys }, { keys, iss: 's3cret'.repeat(99) }] }, 'issuers[1].iss: '],
      ['POST', '/tenants/acme/issuers', { kyes: keys }, 'keys: missing; found "kyes", did you mean "keys"?'],
      ['PUT', '/tenants/acme/quotas', { conections: 1 }, 'unknown member "conections"'],
      [
        'POST',
        '/tenants/acme/publish',
        { messages: [{ topic: 'a', qos: 3 }] },
        'messages[0].qos: expected 0, 1 or 2',
      ],
      [
        'POST',
        '/tenants/acme/publish',
        { messages: [{ topic: 'a', payload: 's3cret', encoding: 'base64' }] },
        'messages[0].payload: expected base64 with padding',
      ],
    ] as const) {
      const answer = await api(method, path, body);
      expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining(detail) } });
      expect(JSON.stringify(answer.body)).not.toContain('s3cret');
    }
  });

  it('a body that is not JSON is refused', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const body of ['{', '[]', 'null', ''])
      expect(await api('PUT', '/tenants/x', body, headers)).toMatchObject({
        status: 400,
        body: { code: 'body' },
      });
  });

  it('a page in a browser cannot call it', async () => {
    for (const headers of [{ origin: 'https://example.com' }, { 'sec-fetch-site': 'cross-site' }]) {
      const response = await fetch(`${service.adminUrl}/tenants`, { headers });
      expect(response.status).toBe(403);
    }
  });
});

describe('issuers', () => {
  it('are added once, listed without secrets, and removed', async () => {
    await api('PUT', '/tenants/issuers', {});
    const { publicKey } = await generateKeyPair('ES256', { extractable: true });
    const keys = { kind: 'inline', keys: [await exportJWK(publicKey)] };
    const issuer = { iss: 'https://login.example.com', audience: 'mqtt', keys };
    const added = await api('POST', '/tenants/issuers/issuers', issuer);
    expect(added).toMatchObject({ status: 201, body: issuer });
    expect(await api('POST', '/tenants/issuers/issuers', issuer)).toEqual({ ...added, status: 200 });

    const secret = 'c2VjcmV0'.repeat(8);
    const shared = await api('POST', '/tenants/issuers/issuers', { keys: { kind: 'secret', secret } });
    expect(shared.body.keys).toEqual({ kind: 'secret' });
    const listed = await api('GET', '/tenants/issuers/issuers');
    expect(listed.body.issuers).toEqual([added.body, shared.body]);
    expect(JSON.stringify([listed, await api('GET', '/tenants/issuers')])).not.toContain(secret);

    expect(await api('DELETE', `/tenants/issuers/issuers/${added.body.id}`)).toMatchObject({ status: 204 });
    expect(await api('DELETE', `/tenants/issuers/issuers/${added.body.id}`)).toMatchObject({
      status: 404,
      body: { code: 'issuer-unknown' },
    });
    expect((await api('GET', '/tenants/issuers/issuers')).body.issuers).toEqual([shared.body]);
  });
});

describe('clients', () => {
  const path = '/tenants/acme/client';

  it('are listed in pages, online or with a session, by client id', async () => {
    const mint = await service.tenant('clients');
    const properties = { sessionExpiryInterval: 600 };
    for (const clientId of ['b', 'a/x', 'ä'])
      await service.connect(mint, { clientId, clean: false, properties });
    const offline = await service.connect(mint, { clientId: 'c', clean: false, properties });
    await offline.endAsync();
    const gone = await service.connect(mint, { clientId: 'd' });
    await gone.endAsync();

    const listed: { clientId: string; online: boolean }[] = [];
    let next: string | undefined;
    do {
      const page = await api(
        'GET',
        `/tenants/clients/clients?limit=2${next === undefined ? '' : `&page=${next}`}`,
      );
      listed.push(...page.body.clients);
      next = page.body.next;
    } while (next !== undefined);
    expect(listed.map(({ clientId, online }) => [clientId, online])).toEqual([
      ['a/x', true],
      ['b', true],
      ['c', false],
      ['ä', true],
    ]);
  });

  it('show session, subscriptions and connection', async () => {
    const client = await service.connect(acme, {
      clientId: 'show/me?&',
      keepalive: 30,
      properties: { sessionExpiryInterval: 60 },
    });
    await client.subscribeAsync('a/+', { qos: 1, properties: { subscriptionIdentifier: 7 } });
    await client.subscribeAsync('$share/g/b', { qos: 2 });
    const { status, body } = await api('GET', `${path}?clientId=${encodeURIComponent('show/me?&')}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      clientId: 'show/me?&',
      online: true,
      protocolVersion: '5.0',
      sessionExpirySeconds: 60,
      queuedMessages: 0,
      subscriptions: [
        { filter: '$share/g/b', qos: 2 },
        { filter: 'a/+', qos: 1, subscriptionIdentifier: 7 },
      ],
      connection: { keepAliveSeconds: 30, username: 'acme' },
    });
  });

  it('are disconnected with 0x98 and may come back', async () => {
    const client = await service.connect(acme, {
      clientId: 'kicked',
      properties: { sessionExpiryInterval: 60 },
    });
    const reason = new Promise((resolve) =>
      client.once('disconnect', (packet) => resolve(packet.reasonCode)),
    );
    expect((await api('POST', `${path}/disconnect?clientId=kicked`)).body).toEqual({ disconnected: true });
    expect(await reason).toBe(0x98);
    expect((await api('GET', `${path}?clientId=kicked`)).body).toMatchObject({ online: false });
    expect((await api('POST', `${path}/disconnect?clientId=kicked`)).body).toEqual({ disconnected: false });
    const back = await service.connect(acme, { clientId: 'kicked', clean: false });
    expect(back.connected).toBe(true);
  });

  it.each([
    ['GET', '?clientId=nobody', 404, 'client-unknown'],
    ['POST', '/disconnect?clientId=nobody', 404, 'client-unknown'],
    ['GET', `?clientId=${'x'.repeat(300)}`, 404, 'client-unknown'],
    ['GET', '', 400, 'parameter'],
  ] as const)('%s client%s is refused', async (method, rest, status, code) => {
    expect(await api(method, path + rest)).toMatchObject({ status, body: { code } });
  });
});

it('shapes of the filters are listed in order, counted and removed', async () => {
  const mint = await service.tenant('shapes');
  const path = '/tenants/shapes/shapes';
  expect((await api('GET', path)).body).toEqual({ shapes: [], going: [] });
  const client = await service.connect(mint, { clientId: 'a' });
  await client.subscribeAsync(['x/+', '$share/g/a/b', '#', 'y/+']);
  expect((await api('GET', path)).body).toEqual({ shapes: ['#', '=/+', '=/='], going: [] });
  await client.unsubscribeAsync('#');
  const shapes = [
    { shape: '=/+', subscriptions: 2 },
    { shape: '=/=', subscriptions: 1 },
  ];
  expect((await api('GET', `${path}/count`)).body).toEqual({ shapes, clients: 1 });
  const removal = await api('POST', `${path}/remove`, { shapes: ['#', '=/=', 'unknown'] });
  expect(removal).toMatchObject({
    status: 202,
    body: { going: ['#', '=/='], decidedAfterSeconds: expect.any(Number) },
  });
  expect((await api('GET', path)).body).toEqual({ shapes: ['#', '=/+', '=/='], going: ['#', '=/='] });
  for (const body of [{}, { shapes: [''] }, { shapes: 'x' }])
    expect(await api('POST', `${path}/remove`, body)).toMatchObject({ status: 400, body: { code: 'body' } });
  for (const [method, rest] of [
    ['GET', ''],
    ['GET', '/count'],
  ] as const)
    expect((await api(method, `/tenants/nobody/shapes${rest}`)).body).toMatchObject({
      code: 'tenant-unknown',
    });
  expect(await api('GET', `${path}/count?page=x`)).toMatchObject({ status: 400, body: { code: 'page' } });
});

it('a client id is released with its session', async () => {
  await service.connect(acme, { clientId: 'release-me', properties: { sessionExpiryInterval: 60 } });
  const path = '/tenants/acme/client/release?clientId=release-me';
  expect((await api('POST', path)).body).toEqual({ released: true });
  expect(await api('POST', path)).toMatchObject({ status: 404, body: { code: 'client-unknown' } });
});

describe('subscribers of a topic', () => {
  it('are listed in pages', async () => {
    const mint = await service.tenant('subscribers');
    for (const [clientId, filter] of [
      ['a', 'x/+'],
      ['b', 'x/y'],
      ['c', '#'],
      ['d', '$share/g/x/y'],
      ['e', 'x/z'],
    ] as const) {
      const client = await service.connect(mint, { clientId });
      await client.subscribeAsync(filter, { qos: 1 });
    }
    const found: unknown[] = [];
    let next: string | undefined;
    do {
      const page = await api(
        'GET',
        `/tenants/subscribers/subscribers?topic=x/y&limit=1${next === undefined ? '' : `&page=${next}`}`,
      );
      found.push(...page.body.subscribers);
      next = page.body.next;
    } while (next !== undefined);
    expect(found).toEqual(
      expect.arrayContaining([
        { clientId: 'a', filter: 'x/+', qos: 1, online: true },
        { clientId: 'b', filter: 'x/y', qos: 1, online: true },
        { clientId: 'c', filter: '#', qos: 1, online: true },
        { clientId: 'd', filter: '$share/g/x/y', qos: 1, online: true },
      ]),
    );
    expect(found).toHaveLength(4);
    expect(await api('GET', '/tenants/subscribers/subscribers?topic=x/%2B')).toMatchObject({
      status: 400,
      body: { code: 'topic-wildcard' },
    });
  });
});

describe('retained messages', () => {
  it('are published, listed, shown and deleted', async () => {
    const client = await service.connect(acme, { clientId: 'listener' });
    const received = inbox(client);
    await client.subscribeAsync('r/#', { qos: 1 });
    const userProperties = [
      ['unit', 'C'],
      ['unit', 'K'],
    ];
    const { body } = await api('POST', '/tenants/acme/publish', {
      messages: [
        { topic: 'r/1', payload: 'grüße', qos: 1, retain: true, contentType: 'text/plain', userProperties },
        { topic: 'r/2', payload: '/w==', encoding: 'base64', retain: true, expirySeconds: 60 },
        { topic: 'r/3', payload: 'x', qos: 1 },
        { topic: '$SYS/x', payload: 'x' },
        { topic: 'a/+', payload: 'x' },
      ],
    });
    expect(body.results.map(({ reasonCode }: { reasonCode: number }) => reasonCode)).toEqual([
      0, 0, 0, 0x87, 0x90,
    ]);
    // Order is kept within a QoS.
    expect((await received.take(3)).map(({ topic }) => topic).sort()).toEqual(['r/1', 'r/2', 'r/3']);

    const first = await api('GET', '/tenants/acme/retained?prefix=r/&limit=1');
    expect(first.body.messages).toEqual([{ topic: 'r/1', qos: 1, payloadBytes: 7 }]);
    const second = await api('GET', `/tenants/acme/retained?prefix=r/&limit=1&page=${first.body.next}`);
    expect(second.body.messages).toMatchObject([{ topic: 'r/2', qos: 0, payloadBytes: 1 }]);

    expect((await api('GET', '/tenants/acme/retained/message?topic=r/1')).body).toEqual({
      topic: 'r/1',
      qos: 1,
      payloadBytes: 7,
      payload: 'grüße',
      encoding: 'utf8',
      contentType: 'text/plain',
      userProperties,
    });
    expect((await api('GET', '/tenants/acme/retained/message?topic=r/2')).body).toMatchObject({
      payload: '/w==',
      encoding: 'base64',
    });
    expect(await api('DELETE', '/tenants/acme/retained/message?topic=r/1')).toMatchObject({ status: 204 });
    for (const method of ['GET', 'DELETE'])
      expect(await api(method, '/tenants/acme/retained/message?topic=r/1')).toMatchObject({
        status: 404,
        body: { code: 'retained-unknown' },
      });
  });
});

describe('usage', () => {
  it('shows hours and the current gauges', async () => {
    const { status, body } = await api('GET', '/tenants/acme/usage');
    expect(status).toBe(200);
    expect(body.now.connections).toBeGreaterThan(0);
    for (const query of [
      'from=2026',
      'from=2026-01-01T00&to=2026-12-01T00',
      'from=2026-01-02T00&to=2026-01-01T00',
    ])
      expect(await api('GET', `/tenants/acme/usage?${query}`)).toMatchObject({ body: { code: 'parameter' } });
  });

  it('shows minutes, of which the hour is the sum', async () => {
    const mint = await service.tenant('by-minute');
    const publisher = await service.connect(mint, { clientId: 'publisher' });
    for (let sent = 0; sent < 100; sent += 1) await publisher.publishAsync('t', '', { qos: 1 });
    const sumOf = (steps: readonly { readonly messagesIn: number }[]): number =>
      steps.reduce((sum, { messagesIn }) => sum + messagesIn, 0);
    const { body } = await api('GET', '/tenants/by-minute/usage?resolution=minute');
    expect(body).toMatchObject({ now: { connections: 1 } });
    expect(body.minutes[0]).toEqual({
      minute: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/),
      messagesIn: expect.any(Number),
      messagesOut: 0,
      refusals: 0,
    });
    expect(sumOf(body.minutes)).toBe(100);
    const { minute } = body.minutes.at(-1);
    const later = minute.replace(/^\d{4}/, '2999');
    const future = await api('GET', `/tenants/by-minute/usage?resolution=minute&from=${later}&to=${later}`);
    expect(future.body.minutes).toEqual([]);
    expect(sumOf((await api('GET', '/tenants/by-minute/usage')).body.hours)).toBe(100);
    for (const query of [
      'resolution=second',
      'resolution=minute&from=2026-01-01T00',
      'resolution=minute&from=2026-01-01T00:00&to=2026-01-03T00:00',
      'from=2026-01-01T00:00',
    ])
      expect(await api('GET', `/tenants/acme/usage?${query}`)).toMatchObject({ body: { code: 'parameter' } });
  });
});

describe('revocation', () => {
  it.each(['tokenId', 'subject', 'clientId', 'all'] as const)('by %s ends the connection', async (by) => {
    const mint = await service.tenant(`revoked-${by.toLowerCase()}`);
    const client = await service.connect(mint, {
      clientId: 'meant',
      password: await mint({ jti: 'meant', sub: 'meant' }),
    });
    const ended = new Promise<number | undefined>((resolve) =>
      client.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
    );
    const body = { [by]: by === 'all' ? true : 'meant', keepSeconds: 60 };
    const answer = await api('POST', `/tenants/${mint.tenant}/revoke`, body);
    expect(answer).toMatchObject({ status: 202, body: { revokedAt: expect.any(String) } });
    expect(await ended).toBe(0x87);
  });

  it.each([
    [{}, 400, 'body'],
    [{ all: false }, 400, 'body'],
    [{ tokenId: '' }, 400, 'body'],
    [{ tokenId: 'a', subject: 'b' }, 400, 'body'],
    [{ clientId: 7 }, 400, 'body'],
    [{ everybody: true }, 400, 'body'],
    [{ all: true, keepSeconds: 0.5 }, 400, 'body'],
  ] as const)('of %j is refused', async (body, status, code) => {
    expect(await api('POST', '/tenants/acme/revoke', body)).toMatchObject({ status, body: { code } });
  });

  it('needs a tenant', async () => {
    const answer = await api('POST', '/tenants/nobody-at-all/revoke', { all: true });
    expect(answer).toMatchObject({ status: 404, body: { code: 'tenant-unknown' } });
  });
});
