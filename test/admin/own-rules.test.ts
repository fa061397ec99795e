import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Mint, startTestService, type TestService } from '../support/service.ts';
import { type Answer, type Api, apiAt } from './api.ts';

let service: TestService;
let admin: Api;
let api: Api;
let acme: Mint;

beforeAll(async () => {
  service = await startTestService();
  admin = apiAt(service.adminUrl);
  api = apiAt(new URL('/', service.publishUrl).href.slice(0, -1));
  acme = await service.tenant('acme');
});
afterAll(() => service.close());

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

function hook(filter: string): object {
  return { filter, target: { kind: 'webhook', url: 'https://example.com/in' } };
}

/** Requests with a token for `sub`, which may subscribe below `users/SUB/`. */
function as(sub: string, claims: object = {}) {
  const mqtt = { subscribe: [`users/${sub}/#`], rules: true, ...claims };
  return async (method: string, path: string, body?: unknown): Promise<Answer> =>
    api(method, path, body, { authorization: `Bearer ${await acme({ sub, mqtt })}` });
}

describe('rules of a bearer', () => {
  it('are created, shown with the age of their secret, replaced and deleted', async () => {
    const ann = as('ann');
    expect(await ann('PUT', '/rules/ann-1', hook('users/ann/#'))).toMatchObject({
      status: 201,
      body: { name: 'ann-1', owner: 'ann', revision: 1 },
    });
    expect(await ann('PUT', '/rules/ann-1/secret', { secret })).toMatchObject({
      status: 200,
      body: { since: expect.any(String), hasPrevious: false },
    });
    const shown = await ann('GET', '/rules/ann-1');
    expect(shown.body.secret).toMatchObject({ hasPrevious: false });
    expect(JSON.stringify(shown.body)).not.toContain('whsec_');
    expect((await ann('PUT', '/rules/ann-1', hook('users/ann/+'))).body.revision).toBe(2);
    expect((await admin('GET', '/tenants/acme/rules/ann-1')).body.owner).toBe('ann');
    expect((await ann('DELETE', '/rules/ann-1')).status).toBe(204);
    expect((await ann('GET', '/rules/ann-1')).body.code).toBe('rule-unknown');
  });

  it('cannot be seen, changed or deleted by others, and nor can those of operators', async () => {
    const [ann, bob] = [as('ann'), as('bob')];
    await ann('PUT', '/rules/ann-2', hook('users/ann/#'));
    await admin('PUT', '/tenants/acme/rules/official', hook('users/bob/#'));
    for (const name of ['ann-2', 'official']) {
      expect((await bob('GET', `/rules/${name}`)).body.code).toBe('rule-unknown');
      expect((await bob('DELETE', `/rules/${name}`)).body.code).toBe('rule-unknown');
      expect((await bob('PUT', `/rules/${name}/secret`, { secret })).body.code).toBe('rule-unknown');
      expect((await bob('DELETE', `/rules/${name}/secret/previous`)).body.code).toBe('rule-unknown');
      expect((await bob('PUT', `/rules/${name}`, hook('users/bob/#'))).body.code).toBe('rule-name-taken');
    }
    // An operator's change leaves the owner.
    await admin('PUT', '/tenants/acme/rules/ann-2', hook('users/ann/x'));
    expect((await ann('GET', '/rules/ann-2')).body).toMatchObject({ owner: 'ann', filter: 'users/ann/x' });
  });

  it.each([
    ['a filter of others', hook('users/bob/#'), 'rule-filter-not-granted'],
    ['a wider filter', hook('#'), 'rule-filter-not-granted'],
    ['presence', hook('$SYS/tenants/acme/clients/+/+'), 'rule-filter-not-granted'],
    [
      'a queue',
      {
        filter: 'users/ann/#',
        target: { kind: 'sqs', queueArn: 'arn:aws:sqs:eu-central-1:111122223333:q' },
      },
      'rule-target-not-granted',
    ],
    [
      'a topic',
      { filter: 'users/ann/#', target: { kind: 'republish', topic: 'x' } },
      'rule-target-not-granted',
    ],
    ['an owner', { ...hook('users/ann/#'), owner: 'bob' }, 'body'],
  ])('do not reach %s', async (_, body, code) => {
    expect((await as('ann')('PUT', '/rules/reach', body)).body.code).toBe(code);
  });

  it('need the claim, a subject, and permission at every QoS', async () => {
    const rule = hook('users/ann/#');
    for (const rules of [undefined, false])
      expect((await as('ann', { rules })('PUT', '/rules/r', rule)).body.code).toBe('rules-not-granted');
    const noSubject = { authorization: `Bearer ${await acme({ mqtt: { subscribe: ['#'], rules: true } })}` };
    expect((await api('PUT', '/rules/r', rule, noSubject)).body.code).toBe('rules-not-granted');
    expect((await api('GET', '/rules/r')).body.code).toBe('token-missing');
    const forged = { authorization: `Bearer ${(await acme({ sub: 'ann' })).slice(0, -4)}AAAA` };
    expect((await api('GET', '/rules/r', undefined, forged)).status).toBe(401);
  });

  it('are refused with a revoked token and for a suspended tenant', async () => {
    const eve = as('eve');
    await admin('POST', '/tenants/acme/revoke', { subject: 'eve' });
    expect((await eve('PUT', '/rules/eve', hook('users/eve/#'))).body.code).toBe('token-revoked');
    await admin('POST', '/tenants/acme/suspend');
    expect((await as('ann')('GET', '/rules/ann-2')).status).toBe(403);
    await admin('POST', '/tenants/acme/resume');
  });

  it('other paths and methods are refused', async () => {
    const ann = as('ann');
    for (const path of ['/rules', '/rules/', '/rules/a/b', '/rules/a/secret/previous/x'])
      expect((await ann('GET', path)).status).toBe(404);
    expect((await ann('POST', '/rules/a', {})).body.code).toBe('method');
    expect((await ann('GET', '/rules/a/secret')).body.code).toBe('method');
  });

  it('a page of another origin may use them', async () => {
    const url = new URL('/rules/a', service.publishUrl);
    const response = await fetch(url, { method: 'OPTIONS', headers: { origin: 'https://app.example.com' } });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-methods')).toBe('GET, PUT, DELETE');
  });
});
