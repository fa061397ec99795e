import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rule } from '../../lib/core/rules.ts';
import type { StoredRule } from '../../lib/core/store-ports/rules.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import type { HttpRequest } from '../../lib/http/message.ts';
import { type RuleContext, removeRuleAndSecret } from '../../lib/http/rule-resource.ts';
import { setSecret } from '../../lib/http/rule-secret.ts';
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

describe('bounds of a bearer', () => {
  it('has at most 8 rules, so that one user does not fill the tenant', async () => {
    const max = as('max');
    for (let number = 0; number < 8; number += 1)
      expect((await max('PUT', `/rules/max-${number}`, hook(`users/max/${number}`))).status).toBe(201);
    expect((await max('PUT', '/rules/max-8', hook('users/max/8'))).body.code).toBe('rules-of-owner-full');
    expect((await max('PUT', '/rules/max-7', hook('users/max/+'))).status).toBe(200);
    expect((await as('mia')('PUT', '/rules/mia', hook('users/mia/#'))).status).toBe(201);
    for (let number = 0; number < 8; number += 1) await max('DELETE', `/rules/max-${number}`);
  });

  it('leaves half of the rules of a filter to operators', async () => {
    const filter = 'shared/#';
    const users = ['u1', 'u2', 'u3'].map((sub) => as(sub, { subscribe: [filter] }));
    const codes: unknown[] = [];
    for (const [index, user] of users.entries())
      for (const number of [1, 2])
        codes.push((await user('PUT', `/rules/u${index}-${number}`, hook(filter))).body.code);
    expect(codes).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'rules-of-filter-full',
      'rules-of-filter-full',
    ]);
    expect((await admin('PUT', '/tenants/acme/rules/shared', hook(filter))).status).toBe(201);
    for (const name of ['u0-1', 'u0-2', 'u1-1', 'u1-2', 'shared'])
      await admin('DELETE', `/tenants/acme/rules/${name}`);
  });

  it('keeps to both bounds with requests at the same time', async () => {
    const many = as('many');
    const numbers = Array.from({ length: 24 }, (_, number) => number);
    const names = numbers.map((number) => `many-${number}`);
    const isStored = async (name: string) =>
      (await admin('GET', `/tenants/acme/rules/${name}`)).status === 200;
    const stored = async () => {
      const found = await Promise.all(names.map(isStored));
      return names.filter((_, index) => found[index]);
    };
    const answers = await Promise.all(
      names.map((name, number) => many('PUT', `/rules/${name}`, hook(`users/many/${number}`))),
    );
    const created = names.filter((_, index) => answers[index]?.status === 201);
    expect(await stored()).toEqual(created);
    expect(created.length).toBeLessThanOrEqual(8);
    for (const name of created) await many('DELETE', `/rules/${name}`);

    // Rules that are there already may not move to one filter either.
    for (const name of names.slice(0, 8)) await many('PUT', `/rules/${name}`, hook(`users/many/${name}`));
    await Promise.all(names.slice(0, 8).map((name) => many('PUT', `/rules/${name}`, hook('users/many/#'))));
    const { rules } = (await admin('GET', '/tenants/acme/rules')).body as unknown as {
      rules: { filter: string }[];
    };
    expect(rules.filter(({ filter }) => filter === 'users/many/#').length).toBeLessThanOrEqual(4);
    for (const name of await stored()) await many('DELETE', `/rules/${name}`);
  });

  it('does not resume, or remove and add again, what the operator has paused', async () => {
    const pat = as('pat');
    await pat('PUT', '/rules/pat', { ...hook('users/pat/#'), status: 'paused' });
    expect((await pat('PUT', '/rules/pat', { ...hook('users/pat/#'), status: 'active' })).status).toBe(200);
    const paused = await admin('POST', '/tenants/acme/rules/pat/pause');
    expect(paused.body).toMatchObject({ status: 'paused', pausedBy: 'operator' });
    const active = { ...hook('users/pat/#'), status: 'active' };
    expect((await pat('PUT', '/rules/pat', active)).body.code).toBe('rule-paused-by-operator');
    expect((await pat('DELETE', '/rules/pat')).body.code).toBe('rule-paused-by-operator');
    expect((await pat('PUT', '/rules/pat', hook('users/pat/x'))).body).toMatchObject({
      status: 'paused',
      pausedBy: 'operator',
    });
    expect((await admin('PUT', '/tenants/acme/rules/pat', hook('users/pat/y'))).body).toMatchObject({
      pausedBy: 'operator',
    });
    expect((await admin('POST', '/tenants/acme/rules/pat/resume')).body).not.toHaveProperty('pausedBy');
    expect((await pat('PUT', '/rules/pat', active)).status).toBe(200);
    // The operator may hold what its owner has paused.
    await pat('PUT', '/rules/pat', { ...hook('users/pat/#'), status: 'paused' });
    await admin('POST', '/tenants/acme/rules/pat/pause');
    expect((await pat('PUT', '/rules/pat', active)).body.code).toBe('rule-paused-by-operator');
    expect((await admin('PUT', '/tenants/acme/rules/pat', active)).body).not.toHaveProperty('pausedBy');
    await admin('PUT', '/tenants/acme/rules/pat', { ...active, status: 'paused' });
    expect((await pat('DELETE', '/rules/pat')).body.code).toBe('rule-paused-by-operator');
    expect((await admin('DELETE', '/tenants/acme/rules/pat')).status).toBe(204);
  });

  it('of one issuer does not reach the rules of the same "sub" of another issuer', async () => {
    const tenant = vouchedTenantId('acme');
    const { rules } = service.service.context;
    const zoe = as('zoe');
    await zoe('PUT', '/rules/zoe', hook('users/zoe/#'));
    const stored = await rules.read(tenant, 'zoe', true);
    expect(stored?.rule).toMatchObject({ owner: 'zoe', ownerIssuer: expect.any(String) });
    if (stored === undefined) return;
    const { ownerIssuer: _, ...ofEarlierRelease } = stored.rule;
    await rules.put(
      tenant,
      { ...stored.rule, ownerIssuer: 'https://other.example.com' },
      [],
      stored.revision,
    );
    expect((await zoe('GET', '/rules/zoe')).body.code).toBe('rule-unknown');
    expect((await zoe('PUT', '/rules/zoe', hook('users/zoe/#'))).body.code).toBe('rule-name-taken');
    // A row of an earlier release does not name the issuer: its owner may still change it.
    await rules.put(tenant, ofEarlierRelease, [], stored.revision + 1);
    expect((await zoe('PUT', '/rules/zoe', hook('users/zoe/x'))).body).toMatchObject({
      ownerIssuer: stored.rule.ownerIssuer,
    });
    await zoe('DELETE', '/rules/zoe');
  });
});

describe('a rule that is removed', () => {
  const tenant = vouchedTenantId('acme');
  function world(owner: string | undefined) {
    const calls: string[] = [];
    let isStored = owner !== undefined;
    const rule = { name: 'r', filter: 'a', owner } as unknown as Rule;
    const context = {
      rules: {
        read: async () => (isStored ? { rule, revision: 1, formerFilters: [] } : undefined),
        deleteMatch: async () => {},
        delete: async () => {
          calls.push('row');
          isStored = false;
          return true;
        },
      },
      ruleRecords: { clear: async () => false },
      ruleSecrets: { delete: async () => void calls.push('secret') },
      timers: { schedule: async () => {} },
      clock: { nowMs: () => 0 },
      tenants: { readLive: async () => undefined, beginShapeSearch: async () => false },
      tenantAdmin: {},
    } as unknown as RuleContext;
    return { context, calls };
  }

  it('loses its secret after its row, and keeps it where the row is that of another owner', async () => {
    const mine = (stored: StoredRule): boolean => stored.rule.owner === 'ann';
    const own = world('ann');
    expect(await removeRuleAndSecret(own.context, tenant, 'r', mine)).toBe(true);
    expect(own.calls).toEqual(['row', 'secret']);
    // Another user has taken the name since the owner was checked.
    const other = world('bob');
    expect(await removeRuleAndSecret(other.context, tenant, 'r', mine)).toBe(false);
    expect(other.calls).toEqual([]);
    // What a crash has left goes with a repetition.
    const left = world(undefined);
    expect(await removeRuleAndSecret(left.context, tenant, 'r', mine)).toBe(false);
    expect(left.calls).toEqual(['secret']);
  });

  it('leaves no secret behind that was set meanwhile, for the next rule of the name', async () => {
    const deleted: string[] = [];
    const setTo = (now: object | undefined) => {
      const rule = { name: 'r', owner: 'ann', createdAtMs: 1, target: { kind: 'webhook' } } as Rule;
      const context = {
        rules: { read: async () => now && { rule: { ...rule, ...now }, revision: 1 } },
        ruleSecrets: {
          load: async () => [],
          write: async () => {},
          delete: async () => void deleted.push('secret'),
        },
        clock: { nowMs: () => 0 },
      } as unknown as RuleContext;
      const body = new TextEncoder().encode(JSON.stringify({ secret }));
      return setSecret(context, tenant, rule, {
        headers: { 'content-type': 'application/json' },
        body,
      } as unknown as HttpRequest);
    };
    expect(await setTo({})).toMatchObject({ status: 200 });
    expect(deleted).toEqual([]);
    for (const now of [undefined, { createdAtMs: 2 }, { owner: 'bob' }])
      await expect(setTo(now)).rejects.toMatchObject({ code: 'rule-unknown' });
    expect(deleted).toEqual(['secret', 'secret', 'secret']);
  });
});
