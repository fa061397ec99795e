import { CompactSign, exportSPKI, importJWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AuthError, isAuthError, type TenantConfig, verifyToken } from '../../lib/auth/index.ts';
import type { UnknownKey } from '../../lib/auth/verify.ts';
import { assemble, keyPair, lookup, nowSeconds, type Signer, sharedSecret, sign, tenant } from './tokens.ts';

let acme: Signer;
let other: Signer;
let rsa: Signer;
let eddsa: Signer;
const secret = sharedSecret();
let tenants: Record<string, TenantConfig>;

beforeAll(async () => {
  [acme, other, rsa, eddsa] = await Promise.all([
    keyPair('ES256', 'key-1'),
    keyPair('ES256', 'key-1'),
    keyPair('RS256'),
    keyPair('EdDSA'),
  ]);
  const wisp = (name: string, { keys }: Signer) => tenant([{ iss: `wisp:${name}`, audience: 'wisp', keys }]);
  tenants = {
    acme: wisp('acme', acme),
    other: wisp('other', other),
    rsa: wisp('rsa', rsa),
    eddsa: wisp('eddsa', eddsa),
    secret: wisp('secret', secret),
    asleep: tenant(wisp('asleep', acme).issuers, 'suspended'),
  };
});

const verify = (token: string, tenantHint?: string, at = nowSeconds) =>
  verifyToken({ token, tenantHint, lookup: lookup(tenants), nowSeconds: at });

async function refusal(token: string, tenantHint?: string, at = nowSeconds): Promise<AuthError> {
  const result = await verify(token, tenantHint, at);
  if (!isAuthError(result)) throw new Error('the token was accepted');
  for (const part of token.split('.')) {
    if (part.length > 8) expect(JSON.stringify(result)).not.toContain(part);
  }
  return result;
}

describe('a token that no key fits', () => {
  const unknown = async (token: string, issuers: TenantConfig['issuers']) => {
    const seen: UnknownKey[] = [];
    await verifyToken({
      token,
      tenantHint: 'acme',
      lookup: lookup({ acme: tenant(issuers) }),
      nowSeconds,
      onUnknownKey: (key) => seen.push(key),
    });
    return seen;
  };
  const remote = {
    iss: 'https://idp.example/',
    keys: { kind: 'jwks-url', url: 'https://idp.example/jwks' },
  } as const;

  it('is told apart by what is unknown: its iss or its kid', async () => {
    const elsewhere = await sign(acme, { iss: 'https://idp.example' });
    expect(await unknown(elsewhere, [remote])).toEqual([
      {
        cause: 'iss-unknown',
        tenant: 'acme',
        iss: 'https://idp.example',
        kid: 'key-1',
        algorithm: 'ES256',
      },
    ]);
    const rotated = await sign(acme, { iss: 'wisp:acme' }, { kid: 'key-2' });
    expect(await unknown(rotated, [{ iss: 'wisp:acme', keys: acme.keys }])).toMatchObject([
      { cause: 'kid-unknown', iss: 'wisp:acme', kid: 'key-2' },
    ]);
  });

  it('is told with at most 128 characters of each, and nothing else of it', async () => {
    const token = await sign(acme, { iss: 'i'.repeat(500), sub: 's3cret' }, { kid: 'k'.repeat(500) });
    const [key] = await unknown(token, [remote]);
    expect(key).toMatchObject({ iss: 'i'.repeat(128), kid: 'k'.repeat(128) });
    expect(JSON.stringify(key)).not.toContain('s3cret');
  });
});

describe('good tokens', () => {
  it.each(['acme', 'rsa', 'eddsa', 'secret'])(
    'of tenant %s are verified by its kind of key',
    async (name) => {
      const signer = { acme, rsa, eddsa, secret }[name];
      if (signer === undefined) throw new Error(name);
      const token = await sign(signer, {
        iss: `wisp:${name}`,
        sub: 'device-7',
        mqtt: { clientId: 'c1', publish: ['a/#'], subscribe: ['b/+'] },
      });
      const identity = {
        tenant: name,
        subject: 'device-7',
        clientId: 'c1',
        expiresAtSeconds: nowSeconds + 3_600,
        grants: [
          { effect: 'allow', action: 'publish', filter: 'a/#' },
          { effect: 'allow', action: 'subscribe', filter: 'b/+' },
        ],
      };
      expect(await verify(token, name)).toEqual(identity);
      // Without a user name the tenant comes from `iss`.
      expect(await verify(token)).toEqual(identity);
      expect(await verify(token, '')).toEqual(identity);
    },
  );

  it('take the newer name of EdDSA too', async () => {
    const token = await sign({ ...eddsa, alg: 'Ed25519' }, { iss: 'wisp:eddsa' });
    expect(await verify(token)).toMatchObject({ tenant: 'eddsa' });
  });

  it('name their tenant in a claim if iss is that of a provider', async () => {
    tenants.idp = tenant([{ iss: 'https://idp.example/', audience: ['x', 'wisp'], keys: acme.keys }]);
    const token = await sign(acme, { iss: 'https://idp.example/', tenant: 'idp', aud: ['y', 'wisp'] });
    expect(await verify(token)).toMatchObject({ tenant: 'idp', grants: [] });
  });

  it('are checked against the issuer with their iss when two issuers share a key', async () => {
    tenants.shared = tenant([
      { iss: 'one', audience: 'a', keys: acme.keys },
      { iss: 'two', audience: 'b', keys: acme.keys },
    ]);
    expect(await verify(await sign(acme, { iss: 'two', aud: 'b' }), 'shared')).toMatchObject({
      tenant: 'shared',
    });
    expect(await refusal(await sign(acme, { iss: 'two', aud: 'a' }), 'shared')).toMatchObject({
      code: 'token-audience',
    });
  });

  it('need neither iss nor aud if the issuer names none', async () => {
    tenants.loose = tenant([{ keys: acme.keys }]);
    const token = await sign(acme, { iss: undefined, aud: undefined, exp: undefined });
    const identity = await verify(token, 'loose');
    expect(identity).toEqual({ tenant: 'loose', grants: [] });
  });
});

describe('time', () => {
  it('ends at exp and begins at nbf', async () => {
    const token = await sign(acme, { nbf: 1_000, exp: 2_000 });
    expect((await refusal(token, 'acme', 999)).code).toBe('token-not-yet-valid');
    expect(await verify(token, 'acme', 1_000)).toMatchObject({ expiresAtSeconds: 2_000 });
    expect(await verify(token, 'acme', 1_999)).toMatchObject({ expiresAtSeconds: 2_000 });
    expect(await refusal(token, 'acme', 2_000)).toMatchObject({ code: 'token-expired', reasonCode: 0x87 });
  });

  it('is extended by the clock tolerance of the issuer only', async () => {
    tenants.tolerant = tenant([{ keys: acme.keys, clockToleranceSeconds: 30 }]);
    const token = await sign(acme, { nbf: 1_000, exp: 2_000 });
    expect((await refusal(token, 'tolerant', 969)).code).toBe('token-not-yet-valid');
    expect(await verify(token, 'tolerant', 970)).toMatchObject({ tenant: 'tolerant' });
    expect(await verify(token, 'tolerant', 2_029)).toMatchObject({ tenant: 'tolerant' });
    expect((await refusal(token, 'tolerant', 2_030)).code).toBe('token-expired');
  });
});

describe('the lifetime that an issuer accepts', () => {
  it.each([
    ['no exp', { exp: undefined }, false],
    ['no exp, but iat', { exp: undefined, iat: 1_000 }, false],
    ['exactly as long', { iat: 1_000, exp: 1_600 }, true],
    ['longer', { iat: 1_000, exp: 1_601 }, false],
    ['longer, of which little is left', { iat: 600, exp: 1_201 }, false],
    ['without iat, as long from now', { exp: 1_700 }, true],
    ['without iat, longer from now', { exp: 1_701 }, false],
    ['an iat in the future', { iat: 9_000, exp: 9_100 }, false],
    ['an iat before 1970', { iat: -1, exp: 1_200 }, false],
  ] as const)('%s: %j', async (_, claims, accepted) => {
    tenants.capped = tenant([{ keys: acme.keys, maxTokenSeconds: 600 }]);
    const token = await sign(acme, { ...claims });
    if (accepted) expect(await verify(token, 'capped', 1_100)).toMatchObject({ tenant: 'capped' });
    else
      expect(await refusal(token, 'capped', 1_100)).toMatchObject({
        code: 'token-lifetime',
        reasonCode: 0x87,
      });
  });

  it('has the clock tolerance on top', async () => {
    tenants.capped = tenant([{ keys: acme.keys, maxTokenSeconds: 600, clockToleranceSeconds: 30 }]);
    const verified = verify(await sign(acme, { iat: 1_000, exp: 1_630 }), 'capped', 1_000);
    expect(await verified).toMatchObject({ tenant: 'capped' });
    expect((await refusal(await sign(acme, { iat: 1_000, exp: 1_631 }), 'capped', 1_000)).code).toBe(
      'token-lifetime',
    );
  });
});

describe('forgery', () => {
  it('fails: another key of the same kid, a changed claim, a cut signature', async () => {
    const forged = await sign(other);
    expect((await refusal(forged, 'acme')).code).toBe('token-signature');

    const [header, , signature] = (await sign(acme)).split('.');
    const changed = Buffer.from(JSON.stringify({ iss: 'wisp:acme', aud: 'wisp', mqtt: { publish: ['#'] } }));
    const changedToken = `${header}.${changed.toString('base64url')}.${signature}`;
    expect((await refusal(changedToken, 'acme')).code).toBe('token-signature');

    const cut = (await sign(acme)).slice(0, -20);
    expect((await refusal(cut, 'acme')).code).toBe('token-signature');
  });

  it.each(['none', 'None', 'NONE', 'HS512', 'RSA1_5', 'ES256K', ''])('fails with alg "%s"', async (alg) => {
    const claims = { iss: 'wisp:acme', aud: 'wisp', mqtt: { publish: ['#'] } };
    expect((await refusal(assemble({ alg }, claims, ''), 'acme')).code).toBe('token-algorithm');
    expect((await refusal(assemble({ alg }, claims), 'acme')).code).toBe('token-algorithm');
  });

  it('fails when an HS256 token is signed with a public key as its secret', async () => {
    const [jwk] = rsa.keys.kind === 'inline' ? rsa.keys.keys : [];
    if (jwk === undefined) throw new Error('no key');
    const publicKey = await importJWK({ ...jwk }, 'RS256', { extractable: true });
    if (publicKey instanceof Uint8Array) throw new Error('not a public key');
    const encodings = [await exportSPKI(publicKey), JSON.stringify(jwk), jwk.kty === 'RSA' ? jwk.n : ''];
    for (const encoding of encodings) {
      const token = await sign({ alg: 'HS256', key: Buffer.from(encoding) }, { iss: 'wisp:rsa' });
      expect((await refusal(token, 'rsa')).code).toBe('token-key-unknown');
    }
  });

  it('fails when the algorithm is of another kind than the key', async () => {
    const token = await sign(rsa, { iss: 'wisp:acme' });
    expect((await refusal(token, 'acme')).code).toBe('token-key-unknown');
    const hmac = await sign(secret, { iss: 'wisp:acme' });
    expect((await refusal(hmac, 'acme')).code).toBe('token-key-unknown');
    expect((await refusal(await sign(acme, { iss: 'wisp:secret' }), 'secret')).code).toBe(
      'token-key-unknown',
    );
  });

  it('fails with the key in the header: jwk, jku, x5u and x5c are not looked at', async () => {
    const [jwk] = other.keys.kind === 'inline' ? other.keys.keys : [];
    for (const header of [{ jwk }, { jku: 'https://evil.example/jwks' }, { x5u: 'https://evil.example/c' }]) {
      expect((await refusal(await sign(other, {}, header), 'acme')).code).toBe('token-signature');
    }
  });

  it.each([
    '../../../etc/passwd',
    "key-1' OR '1'='1",
    'key-2',
    '__proto__',
    'constructor',
    '\0',
    'x'.repeat(500),
  ])('fails with kid %j: it is compared and nothing else', async (kid) => {
    expect((await refusal(await sign(acme, {}, { kid }), 'acme')).code).toBe('token-key-unknown');
  });

  it('fails with critical extensions that Wisp does not know', async () => {
    const [header = '', payload = '', signature = ''] = (await sign(acme)).split('.');
    const decoded = JSON.parse(Buffer.from(header, 'base64url').toString());
    const critical = assemble({ ...decoded, crit: ['exp'], exp: 1 }, '{}').split('.')[0];
    expect((await refusal(`${critical}.${payload}.${signature}`, 'acme')).reasonCode).toBe(0x86);
  });

  it('costs at most eight signature checks, however many keys a tenant has', async () => {
    const [jwk] = other.keys.kind === 'inline' ? other.keys.keys : [];
    const [own] = acme.keys.kind === 'inline' ? acme.keys.keys : [];
    if (jwk === undefined || own === undefined) throw new Error('no key');
    const strangers = Array.from({ length: 8 }, (_, i) => ({ ...jwk, kid: `k${i}` }));
    tenants.many = tenant([{ keys: { kind: 'inline', keys: [...strangers, own] } }]);
    expect((await refusal(await sign({ alg: 'ES256', key: acme.key }), 'many')).code).toBe('token-signature');
    expect(await verify(await sign(acme), 'many')).toMatchObject({ tenant: 'many' });
  });

  it('a key that is not on its curve verifies nothing and does no harm', async () => {
    const bad = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) } as const;
    const [own] = acme.keys.kind === 'inline' ? acme.keys.keys : [];
    if (own === undefined) throw new Error('no key');
    tenants.broken = tenant([{ keys: { kind: 'inline', keys: [bad] } }]);
    tenants.mended = tenant([{ keys: { kind: 'inline', keys: [bad, own] } }]);
    expect((await refusal(await sign(acme), 'broken')).code).toBe('token-signature');
    expect(await verify(await sign(acme), 'mended')).toMatchObject({ tenant: 'mended' });
  });
});

describe('tenants', () => {
  it('cannot use each other’s tokens, whatever name is given', async () => {
    const token = await sign(acme, { mqtt: { publish: ['#'] } });
    expect((await refusal(token, 'other')).code).toBe('token-signature');
    expect((await refusal(await sign(acme, { tenant: 'other' }), 'acme')).code).toBe('token-tenant');
    expect((await refusal(await sign(acme, { iss: 'wisp:other' }))).code).toBe('token-signature');
  });

  it('cannot be told apart without a valid token: unknown, suspended, or with other keys', async () => {
    const refusals = await Promise.all([
      refusal(await sign(other), 'acme'),
      refusal(await sign(rsa), 'acme'),
      refusal(await sign(acme), 'nobody'),
      refusal(await sign(acme), 'No Tenant Name'),
      refusal(await sign(other), 'asleep'),
    ]);
    expect(refusals.map(({ code }) => code)).toEqual([
      'token-signature',
      'token-key-unknown',
      'tenant-unknown',
      'tenant-unknown',
      'token-signature',
    ]);
    const seen = new Set(refusals.map(({ message, reasonCode }) => `${reasonCode} ${message}`));
    expect(seen.size).toBe(1);
  });

  it('holders of a valid token learn that the tenant is suspended', async () => {
    const token = await sign(acme, { iss: 'wisp:asleep' });
    expect(await refusal(token, 'asleep')).toMatchObject({ code: 'tenant-suspended', reasonCode: 0x87 });
  });

  it.each(['a/b', '../acme', 'ACME', 'acme\0', 'acme ', '-acme', '__proto__', 'a'.repeat(64), 'live#0'])(
    'are never looked up by a name like %j',
    async (name) => {
      const store = lookup(tenants);
      const token = await sign(acme);
      const result = await verifyToken({ token, tenantHint: name, lookup: store, nowSeconds });
      expect(result).toMatchObject({ code: 'tenant-unknown' });
      expect(store.asked).toEqual([]);
    },
  );

  it('must be named by the client or the token', async () => {
    expect((await refusal(await sign(acme, { iss: 'https://idp.example/' }))).code).toBe('tenant-missing');
    expect((await refusal(await sign(acme, { iss: undefined }))).code).toBe('tenant-missing');
  });

  it('check iss and aud', async () => {
    expect((await refusal(await sign(acme, { iss: 'wisp:evil' }), 'acme')).code).toBe('token-issuer');
    expect((await refusal(await sign(acme, { iss: undefined }), 'acme')).code).toBe('token-issuer');
    expect((await refusal(await sign(acme, { aud: 'else' }), 'acme')).code).toBe('token-audience');
    expect((await refusal(await sign(acme, { aud: undefined }), 'acme')).code).toBe('token-audience');
    expect((await refusal(await sign(acme, { aud: ['else'] }), 'acme')).code).toBe('token-audience');
  });

  it('failures of the store are thrown on', async () => {
    const failing = { load: () => Promise.reject(new Error('throttled')) };
    const token = await sign(acme);
    await expect(verifyToken({ token, tenantHint: 'acme', lookup: failing, nowSeconds })).rejects.toThrow(
      'throttled',
    );
  });
});

describe('malformed tokens', () => {
  it.each([
    ['abc', 'token-malformed'],
    ['a.b', 'token-malformed'],
    ['a.b.c.d', 'token-malformed'],
    ['a.b.c.d.e', 'token-malformed'],
    ['ä.b.c', 'token-malformed'],
    ['a.b.c\n', 'token-malformed'],
    ['e30.e30.', 'token-algorithm'],
    [assemble('not json', '{}'), 'token-malformed'],
    [assemble('"text"', '{}'), 'token-malformed'],
    [assemble('null', '{}'), 'token-malformed'],
    [assemble({ alg: 'ES256' }, '[]'), 'token-malformed'],
    [assemble({ alg: 'ES256' }, 'null'), 'token-malformed'],
    [assemble({ alg: ['ES256'] }, '{}'), 'token-algorithm'],
    [assemble({ alg: { toString: 'ES256' } }, '{}'), 'token-algorithm'],
  ])('%j is refused', async (token, code) => {
    expect(await refusal(token, 'acme')).toMatchObject({ code, reasonCode: 0x86 });
  });

  it('an empty token is a missing one: not authorized', async () => {
    expect(await refusal('', 'acme')).toMatchObject({ code: 'token-missing', reasonCode: 0x87 });
  });

  it('more than 8 KB is refused unread', async () => {
    const store = lookup(tenants);
    const token = await sign(acme, { padding: 'x'.repeat(9_000) });
    const result = await verifyToken({ token, tenantHint: 'acme', lookup: store, nowSeconds });
    expect(result).toMatchObject({ code: 'token-too-large' });
    expect(store.asked).toEqual([]);
    expect((await refusal('x'.repeat(1_000_000), 'acme')).code).toBe('token-too-large');
  });

  it('deep nesting is harmless', async () => {
    const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const objects = `${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`;
    for (const nested of [deep(2_900), objects]) {
      const payload = `{"iss":"wisp:acme","aud":"wisp","exp":${nowSeconds + 9},"mqtt":${nested}}`;
      expect((await refusal(assemble({ alg: 'ES256' }, payload), 'acme')).code).toBe('token-signature');
      const signed = await new CompactSign(Buffer.from(payload))
        .setProtectedHeader({ alg: 'ES256' })
        .sign(acme.key);
      expect((await refusal(signed, 'acme')).code).toBe('claims-malformed');
    }
    expect((await refusal(assemble(`{"alg":${deep(2_900)}}`, '{}'), 'acme')).code).toBe('token-algorithm');
  });
});

describe('claims of wrong types', () => {
  it('texts longer than 1,024 characters refuse the token', async () => {
    expect((await refusal(await sign(acme, { sub: 'x'.repeat(1_025) }), 'acme')).code).toBe(
      'claims-malformed',
    );
  });

  it.each<Record<string, unknown>>([
    { exp: '1900000000' },
    { exp: 1e300 },
    { exp: null },
    { nbf: 'now' },
    { sub: 7 },
    { sub: '' },
    { mqtt: [] },
    { mqtt: null },
    { mqtt: 'all' },
    { mqtt: { publish: '#' } },
    { mqtt: { publish: [1] } },
    { mqtt: { publish: ['a/#/b'] } },
    { mqtt: { publish: ['$share/g/a'] } },
    { mqtt: { subscribe: [''] } },
    { mqtt: { subscribe: [null] } },
    { mqtt: { subscribe: { 0: '#' } } },
    { mqtt: { clientId: 5 } },
    { mqtt: { clientId: '' } },
    { mqtt: { deny: ['#'] } },
    { acl: 'all' },
    { acl: null },
    { acl: { pub: '#' } },
    { acl: { all: [{}] } },
    { acl: [null] },
    { acl: [{ permission: 'permit', action: 'all', topic: '#' }] },
    { acl: [{ permission: 'allow', action: 'read', topic: '#' }] },
    { acl: [{ permission: 'allow', action: 'all' }] },
    { acl: [{ permission: 'allow', action: 'all', topic: 5 }] },
    { acl: [{ permission: 'allow', action: 'all', topics: '#' }] },
    { acl: [{ permission: 'allow', action: 'all', topic: '#', qos: 3 }] },
    { acl: [{ permission: 'allow', action: 'all', topic: '#', qos: '' }] },
    { acl: [{ permission: 'allow', action: 'all', topic: '#', retain: 'maybe' }] },
  ])('%j refuses the token', async (claims) => {
    expect(await refusal(await sign(acme, claims), 'acme')).toMatchObject({
      code: 'claims-malformed',
      reasonCode: 0x87,
    });
  });
});
