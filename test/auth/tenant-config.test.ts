import { exportJWK, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { parseTenantConfig, TenantConfigError } from '../../lib/auth/index.ts';

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
