import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vouchedTenantId } from '../../lib/auth/index.ts';
import { revoke } from '../../lib/sessions/revocation.ts';
import { inbox, type Mint, startTestService, type TestService } from '../support/service.ts';
import { type Answer, type Api, apiAt } from './api.ts';

let service: TestService;
let api: Api;
let acme: Mint;

beforeAll(async () => {
  service = await startTestService();
  api = apiAt(service.publishUrl);
  acme = await service.tenant('acme');
});
afterAll(() => service.close());

async function publish(
  path: string,
  body: unknown,
  claims: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  return api('POST', path, body, { authorization: `Bearer ${await acme(claims)}`, ...headers });
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of Wisp's
const ownTopic = 'mine/${clientId}';

let listeners = 0;
async function listen(filter: string) {
  listeners += 1;
  const client = await service.connect(acme, { clientId: `listener-${listeners}` });
  const received = inbox(client);
  await client.subscribeAsync(filter, { qos: 2, rap: true });
  return received;
}

describe('POST /publish/{topic}', () => {
  it('publishes the body as it is, with everything that PUBLISH can carry', async () => {
    const received = await listen('one/#');
    const query = new URLSearchParams([
      ['qos', '1'],
      ['retain', 'true'],
      ['expirySeconds', '60'],
      ['responseTopic', 'reply/here'],
      ['correlationData', 'AQI='],
      ['utf8', 'true'],
      ['userProperty', 'unit:°C'],
      ['userProperty', 'unit:a:b'],
    ]);
    const answer = await publish(`/one/two?${query}`, 'grüße', {}, { 'content-type': 'text/plain' });
    expect(answer).toMatchObject({ status: 200, body: { reasonCode: 0 } });
    const message = await received.next();
    expect(message).toMatchObject({ topic: 'one/two', text: 'grüße', qos: 1, retain: true });
    expect(message.properties).toMatchObject({
      contentType: 'text/plain',
      responseTopic: 'reply/here',
      payloadFormatIndicator: true,
      messageExpiryInterval: expect.any(Number),
      userProperties: { unit: ['°C', 'a:b'] },
    });
    expect(Buffer.from(message.properties.correlationData as Uint8Array)).toEqual(Buffer.from([1, 2]));
  });

  it('takes binary payloads, at QoS 0, without a content type that nobody chose', async () => {
    const received = await listen('binary');
    for (const type of ['application/octet-stream', 'application/x-www-form-urlencoded'])
      await publish(
        '/binary',
        type.includes('octet') ? new Uint8Array([0xff, 0]) : 'a=b',
        {},
        { 'content-type': type },
      );
    const [first, second] = await received.take(2);
    expect(first).toMatchObject({ qos: 0, retain: false });
    expect(first?.properties.contentType).toBeUndefined();
    expect(second).toMatchObject({ text: 'a=b' });
    expect(second?.properties.contentType).toBeUndefined();
  });

  it('takes topics of any character: from the path or, where that cannot be, from the query', async () => {
    const received = await listen('odd/#');
    await publish(`/${encodeURIComponent('odd/ä b%')}`, 'x');
    await publish(`?${new URLSearchParams({ topic: 'odd//what?/' })}`, 'x');
    expect((await received.take(2)).map(({ topic }) => topic)).toEqual(['odd/ä b%', 'odd//what?/']);
  });

  it('says when nobody subscribes', async () => {
    expect((await publish('/nobody?qos=1', 'x')).body).toEqual({ reasonCode: 0x10 });
  });

  it('allows what the token allows, in the name of its client', async () => {
    const received = await listen('mine/#');
    const mqtt = { clientId: 'sensor', publish: [ownTopic] };
    expect((await publish('/mine/sensor', 'x', { mqtt })).status).toBe(200);
    expect((await publish('/mine/sensor?clientId=other', 'x', { mqtt })).body.code).toBe(
      'client-id-not-granted',
    );
    expect(await publish('/mine/other', 'x', { mqtt })).toMatchObject({
      status: 403,
      contentType: 'application/problem+json',
      body: { code: 'publish-not-authorized' },
    });
    const unnamed = { publish: [ownTopic] };
    expect((await publish('/mine/any?clientId=any', 'x', { mqtt: unnamed })).status).toBe(403);
    expect((await publish('/mine/', 'x', { mqtt: unnamed })).status).toBe(403);
    expect(await received.next()).toMatchObject({ topic: 'mine/sensor' });
  });

  it.each([
    ['/$SYS/x', 'x', 403, 'publish-not-authorized'],
    ['/a/%23', 'x', 400, 'topic-wildcard'],
    ['?topic=', 'x', 400, 'topic-empty'],
    ['/a?qos=3', 'x', 400, 'parameter'],
    ['/a?retain=yes', 'x', 400, 'parameter'],
    ['/a?userProperty=x', 'x', 400, 'parameter'],
    ['/a?correlationData=x', 'x', 400, 'parameter'],
    ['/a?contentType=%00', 'x', 400, 'parameter'],
    ['/a?responseTopic=%23', 'x', 400, 'response-topic-invalid'],
    ['/a?utf8=true', new Uint8Array([0xff]), 400, 'payload-format-invalid'],
    ['/a', 'x'.repeat(131_072), 413, 'packet-too-large'],
  ] as const)('%s is refused with a stable code', async (path, body, status, code) => {
    const headers = { 'content-type': 'application/octet-stream' };
    expect(await publish(path, body, {}, headers)).toMatchObject({ status, body: { status, code } });
  });

  it('holds the quotas of the tenant, and those of the token', async () => {
    const narrow = { publish: ['#'], quotas: { packetBytes: 150 } };
    const mint = await service.tenant('small');
    await apiAt(service.adminUrl)('PUT', '/tenants/small/quotas', {
      packetBytes: 200,
      publishesPerSecondPerClient: 1,
    });
    const headers = { authorization: `Bearer ${await mint()}` };
    expect(await api('POST', '/a', 'x'.repeat(200), headers)).toMatchObject({
      status: 413,
      body: { code: 'packet-too-large' },
    });
    const narrower = { authorization: `Bearer ${await mint({ mqtt: narrow })}` };
    expect((await api('POST', '/a', 'x'.repeat(150), narrower)).status).toBe(413);
    const answers = await Promise.all(Array.from({ length: 11 }, () => api('POST', '/a', 'x', headers)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.find(({ status }) => status === 429)).toMatchObject({
      body: { code: 'client-publish-rate' },
    });
    const another = { authorization: `Bearer ${await mint({ sub: 'another' })}` };
    expect((await api('POST', '/a', 'x', another)).status).toBe(200);
  });
});

describe('the token', () => {
  const at = (authorization: string) => api('POST', '/a', 'x', { authorization });

  it('must be there, hold, and be one of the tenant that is named', async () => {
    await service.tenant('other');
    expect(await api('POST', '/a', 'x')).toMatchObject({ status: 401, body: { code: 'token-missing' } });
    expect(await at('Bearer x')).toMatchObject({ status: 401, body: { code: 'token-malformed' } });
    expect(await at(`Basic ${await acme()}`)).toMatchObject({ status: 401 });
    expect(await at(`Bearer ${await acme({ exp: 1 })}`)).toMatchObject({
      status: 401,
      body: { code: 'token-expired' },
    });
    expect((await publish('/a?tenant=other', 'x')).status).toBe(401);
    expect((await publish('/a?tenant=acme', 'x')).status).toBe(200);
    const response = await fetch(`${service.publishUrl}/a`, { method: 'POST' });
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('that proves nothing is told nothing: neither whether a tenant exists nor which keys it has', async () => {
    await service.tenant('other');
    const [header, claims, signature = ''] = (await acme()).split('.');
    const forged = `${header}.${claims}.${[...signature].reverse().join('')}`;
    const answers = await Promise.all([
      publish('/a?tenant=nobody', 'x'),
      publish('/a?tenant=other', 'x'),
      at(`Bearer ${forged}`),
    ]);
    expect(answers[0]).toMatchObject({ status: 401, body: { code: 'token-not-verified' } });
    for (const { status, body } of answers)
      expect({ status, body }).toEqual({ status: 401, body: answers[0]?.body });
    expect(service.logged.join('\n')).toContain('tenant-unknown');
  });

  it('never appears in a log, nor does a payload', async () => {
    const token = await acme({ exp: 1 });
    await at(`Bearer ${token}`);
    await publish('/secret', 'payload-of-nobody');
    const logged = service.logged.join('\n');
    expect(logged).not.toContain(token);
    expect(logged).not.toContain('payload-of-nobody');
  });
});

describe('POST /publish', () => {
  it('publishes a batch in its order and tells of each message', async () => {
    const received = await listen('batch/#');
    const messages = [
      { topic: 'batch/1', payload: 'a', qos: 1, userProperties: [['n', 'v']] },
      { topic: 'other/1', payload: 'no' },
      { topic: 'batch/2', payload: '/w==', encoding: 'base64', qos: 1 },
      { topic: 'batch/3', qos: 1 },
    ];
    const { status, body } = await publish('', { messages }, { mqtt: { publish: ['batch/#'] } });
    expect(status).toBe(200);
    expect(body.results).toEqual([
      { reasonCode: 0 },
      { reasonCode: 0x87, code: 'publish-not-authorized', detail: expect.any(String) },
      { reasonCode: 0 },
      { reasonCode: 0 },
    ]);
    expect((await received.take(3)).map(({ topic }) => topic)).toEqual(['batch/1', 'batch/2', 'batch/3']);
  });

  it.each([
    {},
    { messages: [] },
    { messages: Array.from({ length: 101 }, () => ({ topic: 'a' })) },
    { messages: [{}] },
    { messages: ['a'] },
    { messages: [{ topic: 1 }] },
    { messages: [{ topic: 'a', qos: '1' }] },
    { messages: [{ topic: 'a', retain: 1 }] },
    { messages: [{ topic: 'a', payload: {} }] },
    { messages: [{ topic: 'a', payload: 'x', encoding: 'base64' }] },
    { messages: [{ topic: 'a', encoding: 'hex' }] },
    { messages: [{ topic: 'a', expirySeconds: -1 }] },
    { messages: [{ topic: 'a', userProperties: [['a']] }] },
    { messages: [{ topic: 'a', ttl: 1 }] },
    { messages: [{ topic: 'a' }], more: 1 },
  ])('refuses %j as a whole', async (body) => {
    expect(await publish('', body)).toMatchObject({ status: 400, body: { code: 'body' } });
  });

  it('takes nothing but POST', async () => {
    expect(await api('GET', '')).toMatchObject({ status: 405, body: { code: 'method' } });
  });
});

it('a revoked token does not publish', async () => {
  const tenant = await service.tenant('revoking');
  // Both tokens are issued before the revocation: one of the next second would stay valid.
  const iat = Math.floor(service.service.nowMs() / 1000);
  const send = async (jti: string) => {
    const headers = { authorization: `Bearer ${await tenant({ jti, iat })}` };
    return api('POST', '/a', 'x', headers);
  };
  await revoke(service.service.context, vouchedTenantId('revoking'), { kind: 'token', tokenId: 'bad' });
  expect(await send('bad')).toMatchObject({ status: 401, body: { code: 'token-revoked' } });
  expect(await send('good')).toMatchObject({ status: 200 });
});

describe('a page of another origin', () => {
  const asked = {
    origin: 'https://app.example.com',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  };
  const preflight = (url: string, headers: Record<string, string> = asked) =>
    fetch(url, { method: 'OPTIONS', headers });

  it('may publish, with a token and without credentials of the browser', async () => {
    const answer = await preflight(`${service.publishUrl}/a/b?qos=1`);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-allow-methods')).toBe('POST');
    expect(answer.headers.get('access-control-allow-headers')).toBe('authorization, content-type');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    const refused = await fetch(`${service.publishUrl}/a`, { method: 'POST', headers: asked, body: 'x' });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('may publish only if it is of a configured origin', async () => {
    const other = await startTestService({ publishOrigins: ['https://app.example.com'] });
    try {
      const allowed = await preflight(other.publishUrl);
      expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
      expect(allowed.headers.get('vary')).toBe('origin');
      const denied = await preflight(other.publishUrl, { ...asked, origin: 'https://evil.example' });
      expect(denied.headers.get('access-control-allow-origin')).toBeNull();
      expect(denied.headers.get('access-control-allow-methods')).toBeNull();
      expect(denied.headers.get('vary')).toBe('origin');
    } finally {
      await other.close();
    }
  });

  it('may not use the admin API', async () => {
    for (const method of ['OPTIONS', 'GET', 'POST'])
      expect((await fetch(`${service.adminUrl}/tenants`, { method, headers: asked })).status).toBe(403);
  });

  it('may not reach the service through a host name that resolves to loopback', async () => {
    const { hostname, port, pathname } = new URL(service.publishUrl);
    const status = await new Promise((resolve, reject) => {
      request({ hostname, port, path: pathname, method: 'POST', headers: { host: 'evil.example' } })
        .on('response', (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });
});
