// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of grants look like this
import { describe, expect, it } from 'vitest';
import { readClaims } from '../../lib/auth/claims.ts';
import {
  type Identity,
  mayPublish,
  maySubscribe,
  type PermissionRule,
  resolvePermissions,
  vouchedTenantId,
} from '../../lib/auth/index.ts';

function grantsOf(claims: Record<string, unknown>): readonly PermissionRule[] {
  const read = readClaims(claims);
  if ('flaw' in read) throw new Error(read.flaw);
  return read.grants;
}

/** Permissions of a client with the claims of a token, which names the client id `c1`. */
function permissionsOf(claims: Record<string, unknown>, names: Partial<Identity> = {}) {
  const read = readClaims(claims);
  if ('flaw' in read) throw new Error(read.flaw);
  return resolvePermissions({ tenant: vouchedTenantId('acme'), clientId: 'c1', ...read, ...names });
}

const allow = (filter: string, more: Partial<PermissionRule> = {}): PermissionRule => ({
  effect: 'allow',
  action: 'all',
  filter,
  ...more,
});
const deny = (filter: string, more: Partial<PermissionRule> = {}): PermissionRule => ({
  ...allow(filter, more),
  effect: 'deny',
});

describe('claims', () => {
  it('without grants allow nothing', () => {
    const permissions = permissionsOf({ sub: 'x' });
    expect(permissions).toEqual([]);
    expect(mayPublish(permissions, 'a', 0, false)).toBe(false);
    expect(maySubscribe(permissions, 'a', 0)).toBe(false);
  });

  it('native: each list allows its own action', () => {
    const permissions = permissionsOf({ mqtt: { publish: ['up/#'], subscribe: ['down/+'] } });
    expect(mayPublish(permissions, 'up/1/2', 2, true)).toBe(true);
    expect(mayPublish(permissions, 'down/1', 0, false)).toBe(false);
    expect(maySubscribe(permissions, 'down/+', 2)).toBe(true);
    expect(maySubscribe(permissions, 'up/1', 0)).toBe(false);
  });

  it('native: rules of the bearer need the claim to be true', () => {
    const read = (mqtt: object) => readClaims({ mqtt });
    expect(read({ rules: true })).toEqual({ grants: [], ownRules: true, issuer: '' });
    for (const mqtt of [{}, { rules: false }]) expect(read(mqtt)).toEqual({ grants: [] });
    for (const rules of ['true', 1, null, {}]) expect(read({ rules })).toHaveProperty('flaw');
    expect(readClaims({ mqtt: { rules: true } }, { claimMapping: { publish: 'topics' } })).toEqual({
      grants: [],
    });
  });

  it('native wins over acl', () => {
    expect(grantsOf({ mqtt: { publish: ['a'] }, acl: { all: ['#'] } })).toEqual([
      { effect: 'allow', action: 'publish', filter: 'a' },
    ]);
  });

  it('EMQX pub/sub/all lists', () => {
    const permissions = permissionsOf({ acl: { pub: ['p/${clientid}'], sub: ['eq s/#'], all: ['b/+'] } });
    expect(mayPublish(permissions, 'p/c1', 0, false)).toBe(true);
    expect(mayPublish(permissions, 'p/c2', 0, false)).toBe(false);
    expect(maySubscribe(permissions, 's/#', 0)).toBe(true);
    expect(maySubscribe(permissions, 's/1', 0)).toBe(false);
    expect(mayPublish(permissions, 'b/1', 0, false)).toBe(true);
    expect(maySubscribe(permissions, 'b/1', 0)).toBe(true);
    expect(maySubscribe(permissions, 'p/c1', 0)).toBe(false);
  });

  it('EMQX list: the example of its documentation', () => {
    const permissions = permissionsOf({
      acl: [
        { permission: 'allow', action: 'publish', topic: 't/${clientid}' },
        { permission: 'allow', action: 'subscribe', topic: 'eq t/1/#', qos: [1] },
        { permission: 'deny', action: 'publish', topic: 't/2', retain: true },
        { permission: 'deny', action: 'all', topic: 't/3' },
        { permission: 'allow', action: 'all', topics: ['t/2', 't/3', 't/4'] },
      ],
    });
    expect(mayPublish(permissions, 't/c1', 1, false)).toBe(true);
    expect(maySubscribe(permissions, 't/1/#', 1)).toBe(true);
    expect(maySubscribe(permissions, 't/1/#', 0)).toBe(false);
    expect(maySubscribe(permissions, 't/1/x', 1)).toBe(false);
    expect(mayPublish(permissions, 't/2', 0, true)).toBe(false);
    expect(mayPublish(permissions, 't/2', 0, false)).toBe(true);
    expect(mayPublish(permissions, 't/3', 0, false)).toBe(false);
    expect(maySubscribe(permissions, 't/3', 0)).toBe(false);
    expect(maySubscribe(permissions, 't/4', 2)).toBe(true);
    expect(mayPublish(permissions, 't/5', 0, false)).toBe(false);
  });

  it.each([
    [1, [1]],
    ['1', [1]],
    ['0,2', [0, 2]],
    [
      ['0', 1],
      [0, 1],
    ],
    [null, undefined],
  ])('EMQX list: qos %j', (qos, expected) => {
    const rule = { permission: 'allow', action: 'pub', topic: 'a', qos };
    expect(grantsOf({ acl: [rule] })[0]?.qos).toEqual(expected);
  });

  it.each([
    [1, true],
    ['1', true],
    ['true', true],
    [0, false],
    ['false', false],
    ['all', undefined],
    [null, undefined],
  ])('EMQX list: retain %j', (retain, expected) => {
    const rule = { permission: 'allow', action: 'pub', topic: 'a', retain };
    expect(grantsOf({ acl: [rule] })[0]?.retain).toBe(expected);
  });

  it('EMQX list: unknown conditions are unmet in allow rules and met in deny rules', () => {
    for (const condition of [
      { ipaddr: '10.0.0.0/8' },
      { clientid_re: '^c' },
      { zone: 'z' },
      { later: true },
    ]) {
      expect(
        grantsOf({
          acl: [
            { permission: 'allow', action: 'all', topic: 'a', ...condition },
            { permission: 'deny', action: 'all', topic: 'b', ...condition },
          ],
        }),
      ).toEqual([deny('b')]);
    }
  });
});

describe('a claim of a wrong kind refuses the token', () => {
  const wrong = [123, 0, true, null, '', [], ['victim'], {}, 'a\0b', '\ud800', 'x'.repeat(1_025)];

  it.each(wrong)('username, sub and jti of %j', (value) => {
    for (const claim of ['username', 'sub', 'jti'])
      expect(readClaims({ [claim]: value, mqtt: { subscribe: ['u/${username}/#'] } }), claim).toHaveProperty(
        'flaw',
      );
  });

  it.each(wrong)('a mapped user name or client id of %j', (value) => {
    for (const member of ['username', 'clientId'])
      expect(
        readClaims({ at: { it: value } }, { claimMapping: { [member]: '/at/it' } }),
        member,
      ).toHaveProperty('flaw');
  });

  it.each([1, null, true, {}, ['a', 1], [['a']], [null]])('roles of %j', (roles) => {
    const roleGrants = { claim: 'roles', grants: { a: { publish: ['a'] } } };
    expect(readClaims({ roles }, { roleGrants })).toHaveProperty('flaw');
  });

  it('a mapped claim that is absent leaves its variable without a value', () => {
    const read = readClaims({ username: 'native' }, { claimMapping: { username: 'name' } });
    expect(read).not.toHaveProperty('username');
    expect(read).not.toHaveProperty('flaw');
  });
});

describe('placeholders', () => {
  it('stand for client id, subject, user name and tenant', () => {
    const publish = ['a/${clientId}', 'b/${clientid}', 'c/x-${sub}-y/#', 'd/${username}', 'e/${tenant}/+'];
    const filters = permissionsOf({ sub: 's', username: 'u', mqtt: { publish } }).map((rule) => rule.filter);
    expect(filters).toEqual(['a/c1', 'b/c1', 'c/x-s-y/#', 'd/u', 'e/acme/+']);
  });

  it('a client id or user name that the token does not have grants nothing', () => {
    const claims = { mqtt: { publish: ['c/${clientId}', 'c/${clientid}', 'u/${username}/#', 'ok'] } };
    const read = readClaims(claims);
    if ('flaw' in read) throw new Error(read.flaw);
    expect(resolvePermissions({ tenant: vouchedTenantId('acme'), ...read })).toMatchObject([
      { filter: 'ok' },
    ]);
  });

  it.each(['+', '#', 'a/b', '/', 'a+', 'x#', ''])('a client id %j grants nothing', (clientId) => {
    const publish = ['a/${clientId}', 'a/${clientId}/#', 'a/x${clientId}'];
    const acl = [{ permission: 'allow', action: 'all', topic: 'eq a/${clientId}' }];
    expect(permissionsOf({ mqtt: { publish } }, { clientId })).toEqual([]);
    expect(permissionsOf({ acl }, { clientId })).toEqual([]);
  });

  it.each(['$SYS', '$share', '$'])(
    'a client id %j does not open the topics that begin with $',
    (clientId) => {
      const claims = { mqtt: { subscribe: ['${clientId}/#', '${clientId}/x/y', 'a/${clientId}'] } };
      expect(permissionsOf(claims, { clientId }).map((rule) => rule.filter)).toEqual([`a/${clientId}`]);
    },
  );

  it('are replaced once: a value that looks like a placeholder stays as it is', () => {
    const permissions = permissionsOf(
      { sub: 's', mqtt: { publish: ['a/${clientId}'] } },
      { clientId: '${sub}' },
    );
    expect(permissions.map((rule) => rule.filter)).toEqual(['a/${sub}']);
    const patterns = permissionsOf({ mqtt: { publish: ['a/${clientId}'] } }, { clientId: '$&$1$$' });
    expect(patterns.map((rule) => rule.filter)).toEqual(['a/$&$1$$']);
  });

  it.each(['${sub}', '${username}', '${unknown}', '${constructor}', '${__proto__}', '${}'])(
    '%s without a value grants nothing',
    (name) => {
      expect(permissionsOf({ mqtt: { publish: [`a/${name}`] } })).toEqual([]);
    },
  );

  it('a rule that becomes too long grants nothing', () => {
    const claims = { mqtt: { publish: ['a/${clientId}'] } };
    expect(permissionsOf(claims, { clientId: 'x'.repeat(1_024) })).toEqual([]);
  });

  it('deny rules grow rather than shrink', () => {
    const acl = [
      { permission: 'deny', action: 'all', topic: 'a/x-${sub}/b' },
      { permission: 'allow', action: 'all', topic: '#' },
    ];
    const withSubject = (sub?: string) => permissionsOf(sub === undefined ? { acl } : { acl, sub });
    expect(mayPublish(withSubject('p'), 'a/x-p/b', 0, false)).toBe(false);
    expect(mayPublish(withSubject('p'), 'a/x-q/b', 0, false)).toBe(true);
    for (const sub of [undefined, 'p/q', '+', '#']) {
      expect(mayPublish(withSubject(sub), 'a/x-p/b', 0, false)).toBe(false);
      expect(mayPublish(withSubject(sub), 'a/x-p/q/b', 0, false)).toBe(false);
      expect(maySubscribe(withSubject(sub), 'a/+/b', 0)).toBe(false);
      expect(mayPublish(withSubject(sub), 'b', 0, false)).toBe(true);
    }
    const inDollar = [{ permission: 'deny', action: 'all', topic: '${clientid}/#' }];
    expect(permissionsOf({ acl: inDollar }, { clientId: '$SYS' })).toEqual([deny('$SYS/#'), deny('#')]);
  });
});

describe('decisions', () => {
  it('the first matching rule decides', () => {
    const rules = [allow('a/1'), deny('a/+'), allow('#')];
    expect(mayPublish(rules, 'a/1', 0, false)).toBe(true);
    expect(mayPublish(rules, 'a/2', 0, false)).toBe(false);
    expect(mayPublish(rules, 'b', 0, false)).toBe(true);
    expect(maySubscribe(rules, 'a/1', 0)).toBe(true);
    expect(maySubscribe(rules, 'a/2', 0)).toBe(false);
    expect(maySubscribe(rules, 'b/#', 0)).toBe(true);
  });

  it.each([
    ['a/#', 'a/b', true],
    ['a/#', 'a', true],
    ['a/#', 'a/+/c/#', true],
    ['a/+', 'a/#', false],
    ['a/+', 'a/b/c', false],
    ['a/b', 'a/+', false],
    ['+', '#', false],
    ['#', '#', true],
    ['#', '$SYS/#', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['a', 'b', false],
    ['a/#', '$share/g/a/b', true],
    ['a/#', '$share/g/b', false],
    ['#', '$share/g/$SYS/x', false],
    ['#', '$share/g', false],
    ['#', '$share//a', false],
    ['#', 'a/#/b', false],
    ['#', '', false],
  ])('with %s allowed, subscribing to %s: %s', (granted, filter, expected) => {
    expect(maySubscribe([allow(granted)], filter, 0)).toBe(expected);
  });

  it.each([
    ['a/secret', 'a/#', false],
    ['a/secret', 'a/+', false],
    ['a/secret', '#', false],
    ['a/secret', '+/secret', false],
    ['a/secret', '+/#', false],
    ['a/secret', '$share/g/a/+', false],
    ['a/secret/#', 'a/+', false],
    ['a/+/c', 'a/b/#', false],
    ['a/+/c', '+/b/+', false],
    ['a/secret', 'a/public', true],
    ['a/secret', '+/public', true],
    ['a/secret', 'a/secret/x', true],
    ['a/+', 'a/b/c', true],
    ['$SYS/#', '#', true],
    ['$SYS/#', '+/x', true],
    ['#', 'a', false],
  ])('with %s denied first, subscribing to %s: %s', (denied, filter, expected) => {
    expect(maySubscribe([deny(denied), allow('#')], filter, 0)).toBe(expected);
  });

  it('two allow rules that only together cover a filter are not enough', () => {
    expect(maySubscribe([allow('a'), allow('a/+/#')], 'a/#', 0)).toBe(false);
  });

  it('eq compares strings', () => {
    const rules = [deny('#', { exact: true }), allow('#')];
    expect(maySubscribe(rules, '#', 0)).toBe(false);
    expect(maySubscribe(rules, '$share/g/#', 0)).toBe(false);
    expect(maySubscribe(rules, 'a/#', 0)).toBe(true);
    expect(mayPublish(rules, 'a', 0, false)).toBe(true);
    expect(mayPublish([allow('a/b', { exact: true })], 'a/b', 0, false)).toBe(true);
  });

  it('rules for a QoS or the retain flag apply to these only', () => {
    const rules = [deny('a', { qos: [2] }), deny('a', { retain: true }), allow('a', { qos: [0, 2] })];
    expect(mayPublish(rules, 'a', 0, false)).toBe(true);
    expect(mayPublish(rules, 'a', 0, true)).toBe(false);
    expect(mayPublish(rules, 'a', 1, false)).toBe(false);
    expect(mayPublish(rules, 'a', 2, false)).toBe(false);
    const narrow = [allow('a', { qos: [0, 1] })];
    expect(maySubscribe(narrow, 'a', 1)).toBe(true);
    expect(maySubscribe(narrow, 'a', 2)).toBe(false);
  });

  it('a rule for one action does not apply to the other', () => {
    const rules = [deny('#', { action: 'publish' }), allow('#', { action: 'subscribe' })];
    expect(maySubscribe(rules, 'a', 0)).toBe(true);
    expect(mayPublish(rules, 'a', 0, false)).toBe(false);
  });
});
