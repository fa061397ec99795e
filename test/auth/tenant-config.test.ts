import { exportJWK, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { parseTenantConfig, readTenantConfig, TenantConfigError } from '../../lib/auth/index.ts';
import { cert, key } from '../support/certificate.ts';

const secret = 'A'.repeat(43);
const p256 = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'B'.repeat(43) };
const withIssuer = (issuer: unknown) => ({
  formatVersion: 1,
  status: 'active',
  createdAtMs: 1,
  issuers: [issuer],
});
const withKey = (key: unknown) => withIssuer({ keys: { kind: 'inline', keys: [key] } });

describe('tenant configuration', () => {
  it('survives a round trip through JSON', () => {
    const config = withIssuer({
      iss: 'i',
      audience: ['a', 'b'],
      clockToleranceSeconds: 5,
      keys: { kind: 'inline', keys: [{ ...p256, kid: 'k' }] },
    });
    expect(parseTenantConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    expect(parseTenantConfig(withIssuer({ keys: { kind: 'secret', secret } }))).toMatchObject({
      status: 'active',
    });
  });

  it('takes the public keys that jose exports', async () => {
    for (const alg of ['ES256', 'RS256', 'EdDSA']) {
      const { publicKey } = await generateKeyPair(alg, { extractable: true });
      const jwk = await exportJWK(publicKey);
      expect(parseTenantConfig(withKey({ ...jwk, alg, use: 'sig' })).issuers[0]?.keys).toEqual({
        kind: 'inline',
        keys: [jwk],
      });
    }
  });

  it.each([
    ['a newer format', { ...withKey(p256), formatVersion: 2 }],
    ['no object', null],
    ['a list', []],
    ['an unknown status', { ...withKey(p256), status: 'deleted' }],
    ['no issuers', { formatVersion: 1, status: 'active', createdAtMs: 1 }],
    ['an issuer without keys', withIssuer({})],
    ['an empty key list', withIssuer({ keys: { kind: 'inline', keys: [] } })],
    ['an unknown kind of keys', withIssuer({ keys: { kind: 'file', path: '/etc/passwd' } })],
    ['a secret below 256 bits', withIssuer({ keys: { kind: 'secret', secret: 'A'.repeat(42) } })],
    ['a secret that is not base64url', withIssuer({ keys: { kind: 'secret', secret: `${secret}=` } })],
    ['an empty iss', withIssuer({ iss: '', keys: { kind: 'secret', secret } })],
    ['an empty audience', withIssuer({ audience: [], keys: { kind: 'secret', secret } })],
    ['a negative tolerance', withIssuer({ clockToleranceSeconds: -1, keys: { kind: 'secret', secret } })],
    ['tokens of no lifetime', withIssuer({ maxTokenSeconds: 0, keys: { kind: 'secret', secret } })],
    ['tokens of half a second', withIssuer({ maxTokenSeconds: 0.5, keys: { kind: 'secret', secret } })],
    ['tokens of eleven years', withIssuer({ maxTokenSeconds: 3.5e8, keys: { kind: 'secret', secret } })],
    ['a large tolerance', withIssuer({ clockToleranceSeconds: 301, keys: { kind: 'secret', secret } })],
    ['a private key', withKey({ ...p256, d: 'C'.repeat(43) })],
    ['a symmetric key among public ones', withKey({ kty: 'oct', k: secret })],
    ['another curve', withKey({ ...p256, crv: 'P-384' })],
    ['a short RSA key', withKey({ kty: 'RSA', n: 'A'.repeat(171), e: 'AQAB' })],
    ['an algorithm of another key', withKey({ ...p256, alg: 'HS256' })],
    ['a key for encryption', withKey({ ...p256, use: 'enc' })],
    ['a kid of the wrong type', withKey({ ...p256, kid: 5 })],
  ])('is refused with %s', (_, value) => {
    expect(() => parseTenantConfig(value)).toThrow(TenantConfigError);
  });

  it('keeps every kind of keys and all settings of claims', () => {
    const arn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:wisp/acme-AbCdEf';
    for (const keys of [
      { kind: 'jwks-url', url: 'https://idp.example/jwks.json' },
      { kind: 'jwks-url', url: 'http://localhost:8080/jwks.json' },
      { kind: 'pem', pem: cert },
      { kind: 'pem', pem: `${cert}\n${cert}` },
      { kind: 'secret-reference', reference: arn },
      { kind: 'secret-reference', reference: arn, encoding: 'utf8' },
    ]) {
      const config = withIssuer({
        iss: 'i',
        keys,
        claimMapping: {
          clientId: 'azp',
          username: 'u',
          publish: '/a/b',
          subscribe: 'https://x/y',
          tenant: '/~1/~0',
        },
        requiredClaims: { token_use: 'access', client_id: ['a', 'b'], '/email/verified': true },
        roleGrants: { claim: '/realm_access/roles', grants: { reader: { subscribe: ['a/#'] } } },
        defaultGrants: { publish: ['a/+'], subscribe: [] },
      });
      expect(parseTenantConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    }
  });

  const numbered = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
  const mapped = (more: object) => withIssuer({ keys: { kind: 'secret', secret }, ...more });
  const remote = (url: unknown) => withIssuer({ iss: 'i', keys: { kind: 'jwks-url', url } });
  const referred = (more: object) => withIssuer({ keys: { kind: 'secret-reference', ...more } });
  it.each([
    ['a JWKS URL without iss', withIssuer({ keys: { kind: 'jwks-url', url: 'https://idp.example/' } })],
    ['no URL', remote(undefined)],
    ['a relative URL', remote('/jwks.json')],
    ['a file', remote('file:///etc/passwd')],
    ['a URL with a user', remote('https://user@idp.example/')],
    ['a URL with a password', remote('https://:s3cret@idp.example/')],
    ['a URL with a fragment', remote('https://idp.example/#a')],
    ['a long URL', remote(`https://idp.example/${'a'.repeat(2_048)}`)],
    ['PEM that is none', withIssuer({ keys: { kind: 'pem', pem: 'key' } })],
    ['PEM of a private key', withIssuer({ keys: { kind: 'pem', pem: key } })],
    ['PEM with a private key behind', withIssuer({ keys: { kind: 'pem', pem: `${cert}${key}` } })],
    ['PEM with other text', withIssuer({ keys: { kind: 'pem', pem: `${cert}more` } })],
    ['broken PEM', withIssuer({ keys: { kind: 'pem', pem: cert.replace('MII', 'AAA') } })],
    ['17 PEM blocks', withIssuer({ keys: { kind: 'pem', pem: cert.repeat(17) } })],
    ['a path as reference', referred({ reference: '/etc/passwd' })],
    ['an ARN of another service', referred({ reference: 'arn:aws:iam::123456789012:role/r' })],
    ['no ARN', referred({})],
    [
      'an unknown encoding',
      referred({ reference: 'arn:aws:secretsmanager:a:123456789012:secret:s', encoding: 'hex' }),
    ],
    ['a mapping with a misspelt member', mapped({ claimMapping: { clientid: 'azp' } })],
    ['a mapping to no path', mapped({ claimMapping: { clientId: '' } })],
    ['a mapping to a list', mapped({ claimMapping: { clientId: ['azp'] } })],
    ['a pointer with a broken escape', mapped({ claimMapping: { clientId: '/a~2' } })],
    ['a deep pointer', mapped({ claimMapping: { clientId: '/a'.repeat(9) } })],
    ['a required claim that nothing fulfils', mapped({ requiredClaims: { a: [] } })],
    ['a required claim of an odd type', mapped({ requiredClaims: { a: { b: 1 } } })],
    ['required claims in a list', mapped({ requiredClaims: ['a'] })],
    ['role grants without a claim', mapped({ roleGrants: { grants: {} } })],
    ['role grants that deny', mapped({ roleGrants: { claim: 'a', grants: { r: { deny: ['#'] } } } })],
    ['default grants with a broken filter', mapped({ defaultGrants: { publish: ['a/#/b'] } })],
    ['default grants with a share', mapped({ defaultGrants: { subscribe: ['$share/g/a'] } })],
    ['default grants of another action', mapped({ defaultGrants: { all: ['#'] } })],
    ['too many default grants', mapped({ defaultGrants: { publish: Array(65).fill('a') } })],
    ['17 issuers', { ...withKey(p256), issuers: Array(17).fill(withKey(p256).issuers[0]) }],
    ['17 keys', withIssuer({ keys: { kind: 'inline', keys: Array(17).fill(p256) } })],
    ['17 audiences', mapped({ audience: numbered(17) })],
    ['an iss of 513 characters', mapped({ iss: 'i'.repeat(513) })],
    [
      '17 required claims',
      mapped({ requiredClaims: Object.fromEntries(numbered(17).map((name) => [name, 'a'])) }),
    ],
    ['a required claim with 17 values', mapped({ requiredClaims: { a: numbered(17) } })],
    [
      '65 roles',
      mapped({
        roleGrants: { claim: 'a', grants: Object.fromEntries(numbered(65).map((name) => [name, {}])) },
      }),
    ],
    ['a path of 257 characters', mapped({ claimMapping: { clientId: 'a'.repeat(257) } })],
    ['a secret of 513 bytes', withIssuer({ keys: { kind: 'secret', secret: 'A'.repeat(684) } })],
    ['65,537 characters of PEM', withIssuer({ keys: { kind: 'pem', pem: cert + '\n'.repeat(65_536) } })],
    ['a kid of 257 characters', withKey({ ...p256, kid: 'k'.repeat(257) })],
    ['an RSA key of 8,200 bits', withKey({ kty: 'RSA', n: 'z'.repeat(1_367), e: 'AQAB' })],
  ])('is refused with %s', (_, value) => {
    expect(() => parseTenantConfig(value)).toThrow(TenantConfigError);
    expect(() => parseTenantConfig(value)).not.toThrow(/s3cret/);
  });

  it.each([
    [withIssuer({ kyes: {} }), 'issuers[0].keys: missing; found "kyes", did you mean "keys"?'],
    [
      withIssuer({ keys: { kind: 'jwks-url', ulr: 'https://idp.example/jwks' } }),
      'issuers[0].keys.url: missing; found "ulr", did you mean "url"?',
    ],
    [mapped({ audiense: 'a' }), 'issuers[0]: unknown member "audiense"'],
    [mapped({ iss: 5 }), 'issuers[0].iss: expected a text of 1 to 512 characters'],
    [
      remote('https://user@idp.example/'),
      'issuers[0].keys.url: expected a URL without user name and password',
    ],
    [
      mapped({ roleGrants: { claim: 'a', grants: { r: { publish: ['a/#/b'] } } } }),
      'issuers[0].roleGrants.grants.r.publish[0]: expected a topic filter, without "$share/name/"',
    ],
    [
      mapped({ requiredClaims: { constructor: 'a' } }),
      'issuers[0].requiredClaims: expected an object of at most 16 members',
    ],
    [{ ...withKey(p256), quotas: { conections: 1 } }, 'quotas: unknown member "conections"'],
    [{ ...withKey(p256), quotas: [] }, 'quotas: expected an object'],
  ])('names the member and what is expected: %#', (value, message) => {
    expect(() => parseTenantConfig(value)).toThrow(new TenantConfigError(message));
  });

  it('drops members of a newer release from a stored configuration', () => {
    const keys = { kind: 'secret', secret };
    const stored = { ...withIssuer({ keys: { ...keys, newer: 1 }, newer: 1 }), newer: 1 };
    expect(readTenantConfig(stored)).toEqual(withIssuer({ keys }));
    expect(() => parseTenantConfig(stored)).toThrow('unknown member "newer"');
  });

  it('errors never repeat key material', () => {
    const material = 'S3CR3T'.repeat(5);
    for (const value of [
      withIssuer({ keys: { kind: 'secret', secret: material } }),
      withKey({ ...p256, d: material }),
      withKey({ ...p256, x: material }),
    ]) {
      let message = '';
      try {
        parseTenantConfig(value);
      } catch (error) {
        message = String(error);
      }
      expect(message).toMatch(/issuers\[0\]\.keys/);
      expect(message).not.toContain('S3CR3T');
    }
  });
});
