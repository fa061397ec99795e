// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of grants look like this
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verificationSteps, wispIssuer } from '../../lib/auth/index.ts';
import { type Mint, startTestService, type TestService } from '../support/service.ts';
import { type Answer, type Api, apiAt } from './api.ts';

let service: TestService;
let api: Api;
let acme: Mint;

beforeAll(async () => {
  service = await startTestService();
  api = apiAt(service.adminUrl);
  acme = await service.tenant('acme');
});
afterAll(() => service.close());

const nowSeconds = () => Math.floor(Date.now() / 1_000);

async function check(token: string, tenant = 'acme', more: object = {}): Promise<Answer['body']> {
  const { status, body } = await api('POST', `/tenants/${tenant}/token/check`, { token, ...more });
  expect(status).toBe(200);
  return body;
}

async function strangersToken(iss = wispIssuer('acme'), kid?: string): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256');
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', ...(kid === undefined ? {} : { kid }) })
    .setIssuer(iss)
    .sign(privateKey);
}

describe('a check of a token', () => {
  it('shows what it permits, with placeholders replaced, and grants without effect', async () => {
    const publish = ['a/${clientId}/#', 'b/${sub}'];
    const expiresAtSeconds = nowSeconds() + 60;
    const claims = { sub: 'me', jti: 'id', iat: 1e18, exp: expiresAtSeconds };
    const token = await acme({ ...claims, mqtt: { publish, subscribe: ['c/+'] } });
    expect(await check(token)).toEqual({
      valid: true,
      subject: 'me',
      tokenId: 'id',
      expiresAt: new Date(expiresAtSeconds * 1_000).toISOString(),
      permissions: [
        { effect: 'allow', action: 'publish', filter: 'b/me' },
        { effect: 'allow', action: 'subscribe', filter: 'c/+' },
      ],
      withoutEffect: [{ effect: 'allow', action: 'publish', filter: 'a/${clientId}/#' }],
    });
  });

  const past = () => ({ exp: nowSeconds() - 60 });
  it.each([
    ['nothing', async (): Promise<string> => '', 'form', 'token-missing'],
    ['text', async (): Promise<string> => 'x', 'form', 'token-malformed'],
    ['a token above 8,192 bytes', async (): Promise<string> => 'x'.repeat(8_193), 'form', 'token-too-large'],
    ['another algorithm', async (): Promise<string> => 'eyJhbGciOiJub25lIn0.e30.', 'form', 'token-algorithm'],
    [
      'another iss',
      (): Promise<string> => strangersToken('https://other/'),
      'signature',
      'token-signature',
      /"https:\/\/other\/"/,
    ],
    ['another key', (): Promise<string> => strangersToken(), 'signature', 'token-signature', /another key/],
    [
      'an expired token',
      (): Promise<string> => acme(past()),
      'claims',
      'token-expired',
      /"exp" was 20..-.*Z/,
    ],
    [
      'an early token',
      () => acme({ nbf: nowSeconds() + 99 }),
      'claims',
      'token-not-yet-valid',
      /"nbf" is 20/,
    ],
    [
      'the token of another tenant',
      (): Promise<string> => acme({ tenant: 'b' }),
      'claims',
      'token-tenant',
      /is "b"/,
    ],
    ['a claim of a wrong kind', (): Promise<string> => acme({ mqtt: 1 }), 'claims', 'claims-malformed'],
  ] as const)('refuses %s', async (_, token, step, code, facts = undefined) => {
    const answer = await check(await token());
    expect(answer).toMatchObject({ valid: false, step, code, remedy: expect.any(String) });
    if (facts !== undefined) expect(answer.facts).toMatch(facts);
    expect(verificationSteps).toContain(answer.step);
  });

  it('names the claim of a wrong kind', async () => {
    expect(await check(await acme({ mqtt: 1 }))).toMatchObject({
      message: expect.stringContaining('"mqtt" is not an object'),
    });
  });

  it('tells an unknown "iss" from an unknown "kid", and names what is expected', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const key = { ...(await exportJWK(publicKey)), kid: 'one' };
    const keys = { kind: 'inline', keys: [key] };
    const requiredClaims = { use: 'access' };
    await api('PUT', '/tenants/strict', {
      issuers: [{ iss: 'https://idp/', audience: 'mqtt', keys, requiredClaims, maxTokenSeconds: 60 }],
    });
    const sign = (kid: string, claims: object) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
    const good = { iss: 'https://idp/', aud: 'mqtt', use: 'access', exp: nowSeconds() + 30 };
    const answers = await Promise.all(
      [
        sign('two', { ...good, iss: 'https://other/' }),
        sign('two', good),
        sign('one', { ...good, iss: 'https://other/' }),
        sign('one', { ...good, aud: 'x'.repeat(500) }),
        sign('one', { ...good, use: 'id' }),
        sign('one', { ...good, exp: nowSeconds() + 999 }),
        sign('one', good),
      ].map(async (token) => check(await token, 'strict')),
    );
    expect(answers.map(({ code, facts }) => [code, facts])).toEqual([
      ['token-key-unknown', 'no issuer of the tenant has its "iss", which is "https://other/"'],
      ['token-key-unknown', 'its "iss" is known, but no key for ES256 has its "kid", which is "two"'],
      ['token-issuer', '"iss" is "https://other/"; expected: "https://idp/"'],
      ['token-audience', expect.stringMatching(/^"aud" is "x{127}…; expected: "mqtt"$/)],
      ['token-claim', 'the claim is "use"'],
      ['token-lifetime', expect.stringMatching(/accepted are 60 seconds$/)],
      [undefined, undefined],
    ]);
  });

  it('sees revocations, also by the client that it is told, and suspension', async () => {
    const mint = await service.tenant('moody');
    const iat = nowSeconds();
    const [token, named] = await Promise.all([mint({ iat }), mint({ iat, mqtt: { clientId: 'b' } })]);
    await api('POST', '/tenants/moody/revoke', { clientId: 'a' });
    expect(await check(token, 'moody')).toMatchObject({ valid: true });
    expect(await check(named, 'moody', { clientId: 'a' })).toMatchObject({ valid: true, clientId: 'b' });
    expect(await check(token, 'moody', { clientId: 'a' })).toMatchObject({
      step: 'revocation',
      code: 'token-revoked',
    });
    await api('POST', '/tenants/moody/suspend');
    expect(await check(token, 'moody')).toMatchObject({ step: 'status', code: 'tenant-suspended' });
  });

  it('leaves no trace of the token in the log', async () => {
    const token = await strangersToken('https://other/', 'kid-of-a-stranger');
    await check(token);
    await check(await acme());
    for (const part of token.split('.')) expect(service.logged.join('\n')).not.toContain(part);
  });

  it('of an unknown tenant or in another form is refused', async () => {
    expect(await api('POST', '/tenants/nobody/token/check', { token: 'x' })).toMatchObject({
      status: 404,
      body: { code: 'tenant-unknown' },
    });
    expect(await api('POST', '/tenants/acme/token/check', {})).toMatchObject({
      status: 400,
      body: { code: 'body' },
    });
  });
});
