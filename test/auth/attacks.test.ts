// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of grants look like this
import { exportSPKI, importJWK } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createKeySources,
  isAuthError,
  mayPublish,
  resolvePermissions,
  verifyToken,
} from '../../lib/auth/index.ts';
import { outcome, Provider, publicKeys, verifierOf } from './issuers.ts';
import { assemble, keyPair, lookup, nowSeconds, type Signer, sharedSecret, sign, tenant } from './tokens.ts';

const url = 'https://idp.example/jwks.json';
const iss = 'https://idp.example/';
const issuer = { iss, audience: 'wisp', keys: { kind: 'jwks-url', url } } as const;
let real: Signer;
let attacker: Signer;
let provider: Provider;

beforeAll(async () => {
  [real, attacker] = await Promise.all([keyPair('RS256', 'key-1'), keyPair('RS256', 'key-1')]);
});
beforeEach(() => {
  provider = new Provider();
  provider.publish(real);
});
afterEach(() => vi.restoreAllMocks());

const forged = { iss, mqtt: { publish: ['#'] } };

describe('with keys at a URL', () => {
  it('a key in the header, or where the header points, is never looked at', async () => {
    const { verify } = verifierOf([issuer], provider);
    const [jwk] = publicKeys(attacker);
    for (const header of [
      { jwk },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'https://evil.example/cert' },
      { x5c: ['MIIB'] },
      { kid: 'https://evil.example/jwks' },
      { kid: '../../evil.json' },
      { kid: '//evil.example/jwks' },
      { kid: 'key-1\0' },
      { kid: 'KEY-1' },
      { kid: '__proto__' },
    ]) {
      const code = await outcome(verify(await sign(attacker, forged, header)));
      expect(['token-signature', 'token-key-unknown']).toContain(code);
    }
    expect(new Set(provider.requests)).toEqual(new Set([url]));
  });

  it('the public key is no shared secret, in any of its forms', async () => {
    const [jwk] = real.keys.kind === 'inline' ? real.keys.keys : [];
    const publicKey = await importJWK({ ...jwk }, 'RS256', { extractable: true });
    if (publicKey instanceof Uint8Array || jwk?.kty !== 'RSA') throw new Error('not an RSA key');
    const pem = await exportSPKI(publicKey);
    const withSecretToo = [issuer, { iss, audience: 'wisp', keys: sharedSecret().keys }];
    for (const text of [pem, pem.trim(), JSON.stringify(jwk), jwk.n, provider.body]) {
      const token = await sign({ alg: 'HS256', key: Buffer.from(text) }, forged);
      expect(await outcome(verifierOf([issuer], provider).verify(token))).toBe('token-key-unknown');
      expect(await outcome(verifierOf(withSecretToo, provider).verify(token))).toBe('token-signature');
    }
    expect(provider.requests).toEqual([]);
  });

  it('tokens without a signature, too large or malformed fetch nothing', async () => {
    const { verify } = verifierOf([issuer], provider);
    const nested = '['.repeat(5_000);
    for (const token of [
      assemble({ alg: 'none' }, forged, ''),
      assemble({ alg: 'none', kid: 'key-1' }, forged),
      assemble({ alg: 'RS256', kid: 'key-1' }, { ...forged, padding: 'x'.repeat(9_000) }),
      assemble({ alg: 'RS256', kid: 'key-1' }, nested),
      assemble(nested, forged),
      'not a token',
    ]) {
      expect(await outcome(verify(token))).not.toBe('accepted');
    }
    expect(provider.requests).toEqual([]);
  });
});

describe('tenants that trust the same provider', () => {
  const sources = () => createKeySources({ fetchText: provider.fetchText, nowMs: () => nowSeconds * 1_000 });
  const at = (tenants: Parameters<typeof lookup>[0], token: string, tenantHint: string) =>
    outcome(verifyToken({ token, tenantHint, lookup: lookup(tenants), sources: sources(), nowSeconds }));

  it('cannot use each other’s tokens where audiences differ', async () => {
    const tenants = {
      acme: tenant([{ ...issuer, audience: 'acme' }]),
      other: tenant([{ ...issuer, audience: 'other' }]),
    };
    const token = await sign(real, { ...forged, aud: 'acme' });
    expect(await at(tenants, token, 'acme')).toBe('accepted');
    expect(await at(tenants, token, 'other')).toBe('token-audience');
  });

  it('cannot if a claim names the tenant', async () => {
    const shared = tenant([{ ...issuer, claimMapping: { tenant: '/org/name' } }]);
    const tenants = { acme: shared, other: shared };
    const token = await sign(real, { ...forged, org: { name: 'acme' } });
    expect(await at(tenants, token, 'acme')).toBe('accepted');
    expect(await at(tenants, token, 'other')).toBe('token-tenant');
    expect(await at(tenants, await sign(real, forged), 'acme')).toBe('token-tenant');
  });

  it('cannot if the configuration requires different claims', async () => {
    const tenants = {
      acme: tenant([{ ...issuer, requiredClaims: { azp: 'acme-app' } }]),
      other: tenant([{ ...issuer, requiredClaims: { azp: 'other-app' } }]),
    };
    const token = await sign(real, { ...forged, azp: 'acme-app' });
    expect(await at(tenants, token, 'acme')).toBe('accepted');
    expect(await at(tenants, token, 'other')).toBe('token-claim');
  });

  it('a token without wisp:NAME needs a hint, and the hint proves nothing', async () => {
    const tenants = { acme: tenant([issuer]), other: tenant([{ ...issuer, keys: attacker.keys }]) };
    const token = await sign(real, forged);
    expect(await at(tenants, token, '')).toBe('tenant-missing');
    expect(await at(tenants, token, 'acme')).toBe('accepted');
    expect(await at(tenants, token, 'other')).toBe('token-signature');
    expect(await at(tenants, token, 'nobody')).toBe('tenant-unknown');
  });
});

describe('names that try to escape their place', () => {
  const mapped = {
    ...issuer,
    claimMapping: { clientId: 'device' },
    defaultGrants: { publish: ['in/${sub}/${clientId}/x'] },
  };

  async function grantsWith(claims: Record<string, unknown>) {
    const { verify } = verifierOf([mapped], provider);
    const identity = await verify(await sign(real, { iss, sub: 's', device: 'd', ...claims }));
    if (isAuthError(identity)) return identity.code;
    return resolvePermissions(identity);
  }

  it('a text without a UTF-8 form, or with U+0000, refuses the token', async () => {
    for (const text of ['\0', 'a\0b', '\ud800', 'a\udfffb', '\udc00\ud800']) {
      expect(await grantsWith({ sub: text })).toBe('claims-malformed');
      expect(await grantsWith({ device: text })).toBe('claims-malformed');
    }
    expect(await grantsWith({ device: 'x'.repeat(1_025) })).toBe('claims-malformed');
    expect(await grantsWith({ device: { toString: 'd' } })).toBe('claims-malformed');
  });

  it.each(['a/b', '../d', '/', '+', '#', 'a+', '+/#', 'a#'])('%j grants nothing', async (text) => {
    expect(await grantsWith({ sub: text })).toEqual([]);
    expect(await grantsWith({ device: text })).toEqual([]);
  });

  it('what only looks like a separator or another name stays itself', async () => {
    for (const text of [
      'a／b',
      'a∕b',
      '＋',
      '﹟',
      'e\u0301',
      '\u00e9',
      'd\u200b',
      '\ufeffd',
      'ｄ',
      'D',
      '\u202ed',
      '💡',
    ]) {
      const permissions = await grantsWith({ device: text });
      if (typeof permissions === 'string') throw new Error(permissions);
      expect(mayPublish(permissions, `in/s/${text}/x`, 0, false)).toBe(true);
      expect(mayPublish(permissions, 'in/s/d/x', 0, false)).toBe(false);
      expect(mayPublish(permissions, 'in/s/a/b/x', 0, false)).toBe(false);
      expect(mayPublish(permissions, `in/s/${text.normalize('NFKD')}!/x`, 0, false)).toBe(false);
    }
    // No normalisation: two spellings are two clients.
    const composed = await grantsWith({ device: '\u00e9' });
    if (typeof composed === 'string') throw new Error(composed);
    expect(mayPublish(composed, 'in/s/e\u0301/x', 0, false)).toBe(false);
  });
});

describe('secrets', () => {
  it('are compared by the platform’s HMAC verification, which takes the same time wherever bytes differ', async () => {
    const verify = vi.spyOn(crypto.subtle, 'verify');
    const secret = sharedSecret();
    const good = await sign(secret, { iss: 'wisp:acme' });
    const stolen = `${good.slice(0, good.lastIndexOf('.'))}.${'A'.repeat(43)}`;
    const { verify: check } = verifierOf([{ keys: secret.keys }], provider);
    expect(await outcome(check(good))).toBe('accepted');
    expect(await outcome(check(stolen))).toBe('token-signature');
    const algorithms = verify.mock.calls.map(([algorithm]) =>
      typeof algorithm === 'string' ? algorithm : algorithm.name,
    );
    expect(algorithms).toEqual(['HMAC', 'HMAC']);
  });

  it('a truncated or padded signature is invalid', async () => {
    const secret = sharedSecret();
    const good = await sign(secret, { iss: 'wisp:acme' });
    const { verify } = verifierOf([{ keys: secret.keys }], provider);
    const unsigned = good.slice(0, good.lastIndexOf('.') + 1);
    for (const token of [unsigned, good.slice(0, -1), good.slice(0, -22), `${good}AAAA`, `${good}=`]) {
      expect(await outcome(verify(token))).not.toBe('accepted');
    }
  });
});
