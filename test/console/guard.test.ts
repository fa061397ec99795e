import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildConsole } from '../../build/console.ts';
import { startTestService, type TestService } from '../support/service.ts';

let directory: string;
let service: TestService;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wisp-console-'));
  await buildConsole(join(directory, 'page'));
  service = await startTestService({
    console: { keyDirectory: join(directory, 'keys'), pageDirectory: join(directory, 'page') },
  });
  await service.tenant('acme');
});

afterAll(async () => {
  await service?.close();
  await rm(directory, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Sends a request with exactly this path and these headers, which `fetch` would correct. */
function send(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(service.adminUrl);
    const sent = request({ hostname, port, path, method, headers }, async (response) => {
      let text = '';
      for await (const part of response) text += String(part);
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers as Record<string, string>,
        text,
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const json = { 'content-type': 'application/json' };
const openWith = (ticket: string, headers: Record<string, string> = {}) =>
  send('/console/session', { ...json, ...headers }, 'POST', JSON.stringify({ ticket }));

function newTicket(): string {
  return /#ticket=(.+)$/.exec(service.newConsoleUrl() ?? '')?.[1] ?? '';
}

/** The cookie of a new session. */
async function newCookie(): Promise<string> {
  const { headers } = await openWith(newTicket());
  return String(headers['set-cookie']).split(';')[0] ?? '';
}

const codeOf = ({ text }: Answer): unknown => (JSON.parse(text) as { code?: unknown }).code;
const host = () => new URL(service.adminUrl).host;

describe('a session of the console', () => {
  test('opens with a ticket, and lets the page use the admin API', async () => {
    const cookie = await newCookie();
    const answer = await send('/console/admin/tenants', { cookie, 'sec-fetch-site': 'same-origin' });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ tenants: [{ name: 'acme' }] });
  });

  test('is a cookie that scripts cannot read, that other sites do not send, and only for its path', async () => {
    const { headers } = await openWith(newTicket());
    const [cookie = '', ...rules] = String(headers['set-cookie']).split('; ');
    expect(cookie).toMatch(/^wisp_console_\d+=[\w-]{43}$/);
    expect(rules).toEqual(['HttpOnly', 'SameSite=Strict', 'Path=/console', 'Max-Age=43200']);
  });

  test('does not open twice with one ticket', async () => {
    const ticket = newTicket();
    expect((await openWith(ticket)).status).toBe(204);
    const replayed = await openWith(ticket);
    expect([replayed.status, codeOf(replayed), replayed.headers['set-cookie']]).toEqual([
      401,
      'console-ticket',
      undefined,
    ]);
  });

  test.each([
    ['none', ''],
    ['an invented one', 'A'.repeat(43)],
    ['one that is too long', 'A'.repeat(4_096)],
  ])('does not open with %s', async (_, ticket) => {
    const answer = await openWith(ticket);
    expect([400, 401]).toContain(answer.status);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  test('ends when the operator locks the console', async () => {
    const cookie = await newCookie();
    expect((await send('/console/session', { cookie }, 'DELETE')).status).toBe(204);
    expect(codeOf(await send('/console/about', { cookie }))).toBe('console-session');
  });
});

/** Everything behind the session. */
const resources = [
  ['GET', '/console/admin/tenants'],
  ['DELETE', '/console/admin/tenants/acme'],
  ['GET', '/console/about'],
  ['GET', '/console/reasons'],
  ['POST', '/console/tokens'],
  ['POST', '/console/tenants'],
  ['POST', '/console/rule-secrets'],
] as const;

test.each(resources)('%s %s needs a session', async (method, path) => {
  for (const cookie of ['', `wisp_console_${host().split(':')[1]}=${'A'.repeat(43)}`, 'wisp_console=x'])
    expect(
      await send(path, { cookie, ...json }, method).then((answer) => [answer.status, codeOf(answer)]),
    ).toEqual([401, 'console-session']);
});

describe('with the cookie of a session', () => {
  const foreign = [
    ['a page of another site', () => ({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' })],
    ['an old browser, which tells the origin alone', () => ({ origin: 'https://evil.example' })],
    [
      'a page of another port of this machine',
      () => ({ origin: 'http://127.0.0.1:9', 'sec-fetch-site': 'same-site' }),
    ],
    ['a picture in such a page, which has no origin', () => ({ 'sec-fetch-site': 'same-site' })],
    ['a page without an origin, as of a file', () => ({ origin: 'null' })],
    ['an address typed by hand, or a bookmark', () => ({ 'sec-fetch-site': 'none' })],
    ['a host name that an attacker points to loopback', () => ({ host: 'rebound.example:8081' })],
    [
      'such a name as its own origin',
      () => ({ host: 'rebound.example', origin: 'http://rebound.example', 'sec-fetch-site': 'same-origin' }),
    ],
    ['a name that ends like loopback', () => ({ host: '127.0.0.1.evil.example' })],
  ] as const;

  test.each(foreign)('the console refuses %s', async (_, headers) => {
    const cookie = await newCookie();
    for (const [method, path] of resources) {
      const answer = await send(path, { cookie, ...json, ...headers() }, method);
      expect([answer.status, codeOf(answer)]).toEqual([403, 'console-foreign']);
    }
  });

  test('the tenant still exists after all of that', async () => {
    const cookie = await newCookie();
    expect((await send('/console/admin/tenants/acme', { cookie })).status).toBe(200);
  });

  test('the admin API itself keeps refusing pages', async () => {
    const cookie = await newCookie();
    for (const site of ['same-origin', 'same-site', 'cross-site'])
      expect((await send('/admin/tenants', { cookie, 'sec-fetch-site': site })).status).toBe(403);
  });

  test.each([
    '/console/admin/../publish/acme/x',
    '/console/admin/%2e%2e/publish/a',
    '/console/admin/tenants/..%2f..%2fpublish',
    '/console/admin//evil.example/tenants',
    '/console/admin/..\\publish',
  ])('%s does not leave the admin API', async (path) => {
    const cookie = await newCookie();
    const answer = await send(path, { cookie });
    expect([answer.status, codeOf(answer)]).toEqual([404, 'not-found']);
  });

  test('a form of another site cannot be taken for JSON', async () => {
    const cookie = await newCookie();
    const answer = await send(
      '/console/admin/tenants/acme/quotas',
      { cookie, 'content-type': 'text/plain' },
      'PUT',
      '{}',
    );
    expect([answer.status, codeOf(answer)]).toEqual([415, 'content-type']);
  });
});

describe('a new link', () => {
  test('is for programs on this machine', async () => {
    const answer = await send('/console/tickets', {}, 'POST');
    expect(answer.status).toBe(201);
    const { link } = JSON.parse(answer.text) as { link: string };
    expect((await openWith(link.split('=')[1] ?? '')).status).toBe(204);
  });

  test.each([
    ['the console itself', { 'sec-fetch-site': 'same-origin' }],
    ['a page of another site', { origin: 'https://evil.example' }],
    ['a host name that an attacker points to loopback', { host: 'rebound.example' }],
  ])('is not for %s', async (_, headers: Record<string, string>) => {
    const cookie = await newCookie();
    expect(codeOf(await send('/console/tickets', { ...headers, cookie }, 'POST'))).toBe('console-foreign');
  });
});

describe('the page', () => {
  test('has headers that let it load nothing from elsewhere, run no inline script and stand in no frame', async () => {
    const { status, headers } = await send('/console');
    expect(status).toBe(200);
    const policy = String(headers['content-security-policy']).split('; ');
    expect(policy).toEqual([
      "default-src 'self'",
      `connect-src 'self' ${new URL(service.url).origin} http://${host()}`,
      "object-src 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
    });
  });

  test('is not for host names that an attacker points to loopback', async () => {
    expect((await send('/console', { host: 'rebound.example' })).status).toBe(403);
  });

  test.each([
    '/console/../package.json',
    '/console/%2e%2e/secret',
    '/console/chunks/../../keys/acme.jwk',
    '/console/x',
  ])('%s is no file of it', async (path) => {
    expect((await send(path)).status).toBe(404);
  });
});
