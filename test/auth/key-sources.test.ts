import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, importJWK } from 'jose';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { httpsGet, type SecretSource } from '../../lib/auth/index.ts';
import { cert, key } from '../support/certificate.ts';
import { outcome, Provider, publicKeys, verifierOf } from './issuers.ts';
import { keyPair, type Signer, sharedSecret, sign } from './tokens.ts';

const url = 'https://idp.example/jwks.json';
const iss = 'https://idp.example/';
let first: Signer;
let second: Signer;
let provider: Provider;

beforeAll(async () => {
  [first, second] = await Promise.all([keyPair('RS256', 'first'), keyPair('ES256', 'second')]);
});
beforeEach(() => {
  provider = new Provider();
  provider.publish(first);
});

const issuer = { iss, audience: 'wisp', keys: { kind: 'jwks-url', url } } as const;
const verifier = () => verifierOf([issuer], provider);
const tokenOf = (signer: Signer, claims = {}, header = {}) => sign(signer, { iss, ...claims }, header);

describe('JWKS by URL', () => {
  it('is fetched once for many tokens, also when they come together', async () => {
    const { verify } = verifier();
    const token = await tokenOf(first);
    const together = await Promise.all([verify(token), verify(token), verify(token)]);
    expect(together.map((result) => 'tenant' in result && result.tenant)).toEqual(['acme', 'acme', 'acme']);
    expect(await outcome(verify(token))).toBe('accepted');
    expect(provider.requests).toEqual([url]);
  });

  it('serves from a real server over TLS', async () => {
    const server = createServer({ cert, key }, (request, response) => {
      response.statusCode = request.url === '/keys' ? 200 : 404;
      response.end(JSON.stringify({ keys: publicKeys(first) }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const at = (path: string) =>
      verifierOf([{ ...issuer, keys: { kind: 'jwks-url', url: `https://localhost:${port}${path}` } }], {
        fetchText: httpsGet({ allowPrivate: true, ca: cert }),
      });
    try {
      expect(await outcome(at('/keys').verify(await tokenOf(first)))).toBe('accepted');
      expect(await outcome(at('/keys').verify(await tokenOf(second)))).toBe('token-key-unknown');
      const elsewhere = at('/nothing');
      expect(await outcome(elsewhere.verify(await tokenOf(first)))).toBe('token-keys-unavailable');
      expect(elsewhere.failures).toEqual([{ code: 'keys-status', source: `localhost:${port}` }]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('is fetched again after ten minutes', async () => {
    const { verify, advance } = verifier();
    const token = await tokenOf(first);
    await verify(token);
    advance(599);
    await verify(token);
    expect(provider.requests).toHaveLength(1);
    advance(1);
    await verify(token);
    expect(provider.requests).toHaveLength(2);
  });

  it('a new key is used at once, and an old one as long as it is published', async () => {
    const { verify, advance } = verifier();
    const [old, young] = await Promise.all([tokenOf(first), tokenOf(second)]);
    expect(await outcome(verify(old))).toBe('accepted');
    advance(30);
    provider.publish(first, second);
    expect(await outcome(verify(young))).toBe('accepted');
    expect(await outcome(verify(old))).toBe('accepted');
    expect(provider.requests).toHaveLength(2);
    advance(600);
    provider.publish(second);
    expect(await outcome(verify(old))).toBe('token-key-unknown');
    expect(await outcome(verify(young))).toBe('accepted');
  });

  it('unknown keys cause one fetch in 30 seconds, however many come', async () => {
    const { verify, advance } = verifier();
    for (let i = 0; i < 20; i++) {
      const token = await tokenOf(second, {}, { kid: `made-up-${i}` });
      expect(await outcome(verify(token))).toBe('token-key-unknown');
    }
    expect(provider.requests).toHaveLength(1);
    advance(30);
    await verify(await tokenOf(second));
    await verify(await tokenOf(second));
    expect(provider.requests).toHaveLength(2);
  });

  it('clients can connect for an hour after the provider has failed', async () => {
    const { verify, advance, failures } = verifier();
    const token = await tokenOf(first);
    await verify(token);
    provider.failure = 'keys-timeout';
    advance(3_599);
    expect(await outcome(verify(token))).toBe('accepted');
    expect(await outcome(verify(token))).toBe('accepted');
    expect(failures).toEqual([{ code: 'keys-timeout', source: 'idp.example' }]);
    advance(1);
    expect(await outcome(verify(token))).toBe('token-keys-unavailable');
    provider.failure = undefined;
    advance(30);
    expect(await outcome(verify(token))).toBe('accepted');
  });

  it('without keys it is fetched again after five seconds; until then tokens are refused without waiting', async () => {
    const { verify, advance } = verifier();
    const token = await tokenOf(first);
    provider.failure = 'keys-connection';
    expect(await verify(token)).toMatchObject({ code: 'token-keys-unavailable', reasonCode: 0x86 });
    expect(await outcome(verify(token))).toBe('token-keys-unavailable');
    expect(provider.requests).toHaveLength(1);
    provider.failure = undefined;
    advance(5);
    expect(await outcome(verify(token))).toBe('accepted');
  });

  it('is not fetched for tokens that it cannot verify', async () => {
    const { verify } = verifier();
    expect(await outcome(verify(await tokenOf(first, { iss: 'https://evil.example/' })))).toBe(
      'token-key-unknown',
    );
    expect(await outcome(verify(await tokenOf(sharedSecret())))).toBe('token-key-unknown');
    expect(provider.requests).toEqual([]);
  });

  it('a provider that fails does not affect the others', async () => {
    const inline = { iss: 'other', keys: second.keys };
    const { verify } = verifierOf(
      [issuer, { ...issuer, keys: { kind: 'jwks-url', url: `${url}?2` } }, inline],
      {
        fetchText: async (asked) => {
          if (asked === url) throw new Error('broken');
          return provider.fetchText(asked);
        },
      },
    );
    expect(await outcome(verify(await tokenOf(first)))).toBe('accepted');
    expect(await outcome(verify(await tokenOf(second, { iss: 'other' })))).toBe('accepted');
    expect(await outcome(verify(await tokenOf(first, { exp: 1 })))).toBe('token-expired');
    expect(await outcome(verify(await tokenOf(second)))).toBe('token-issuer');
  });
});

describe('JWK sets that are not as they should be', () => {
  it.each([
    ['no JSON', '<html>', 'keys-not-json'],
    ['nothing', '', 'keys-not-json'],
    ['cut off', '{"keys":[', 'keys-not-json'],
    ['null', 'null', 'keys-malformed'],
    ['a list', '[]', 'keys-malformed'],
    ['without keys', '{}', 'keys-malformed'],
    ['with keys by name', '{"keys":{"a":{}}}', 'keys-malformed'],
    ['with inherited keys', '{"__proto__":{"keys":[]}}', 'keys-malformed'],
    ['empty', '{"keys":[]}', 'keys-none'],
    ['of strange things', '{"keys":[null,1,"a",[],{}]}', 'keys-none'],
    ['of 10,000 keys', JSON.stringify({ keys: Array(10_000).fill({ kty: 'EC' }) }), 'keys-too-many'],
    ['nested deeply', `{"keys":${'['.repeat(60_000)}${']'.repeat(60_000)}}`, 'keys-none'],
  ])('%s', async (_, body, code) => {
    const { verify, failures } = verifier();
    provider.body = body;
    expect(await outcome(verify(await tokenOf(first)))).toBe('token-keys-unavailable');
    expect(failures).toEqual([{ code, source: 'idp.example' }]);
  });

  it('private keys verify nothing: everybody who has read the set can sign', async () => {
    const pair = await generateKeyPair('RS256', { extractable: true });
    const leaked = { ...(await exportJWK(pair.privateKey)), kid: 'leaked' };
    provider.body = JSON.stringify({ keys: [leaked, ...publicKeys(first)] });
    const { verify } = verifier();
    const token = await tokenOf({ alg: 'RS256', key: pair.privateKey, kid: 'leaked', keys: first.keys });
    expect(await outcome(verify(token))).toBe('token-key-unknown');
    expect(await outcome(verify(await tokenOf(first)))).toBe('accepted');
  });

  it('symmetric keys verify nothing', async () => {
    const secret = sharedSecret();
    const oct = { kty: 'oct', k: Buffer.from(secret.key as Uint8Array).toString('base64url'), alg: 'HS256' };
    provider.body = JSON.stringify({ keys: [oct, ...publicKeys(first)] });
    expect(await outcome(verifier().verify(await tokenOf(secret)))).toBe('token-key-unknown');
  });

  it('keys for other uses are ignored', async () => {
    const [signing] = publicKeys(first);
    const [unfit] = publicKeys(second);
    provider.body = JSON.stringify({
      keys: [
        { ...signing, use: 'enc', alg: 'RSA-OAEP' },
        { ...signing, alg: 'PS256' },
        { ...unfit, crv: 'P-384' },
        signing,
      ],
    });
    expect(await outcome(verifier().verify(await tokenOf(first)))).toBe('accepted');
  });
});

describe('PEM', () => {
  it('verifies with SPKI and with certificates, several of them', async () => {
    const [jwk] = first.keys.kind === 'inline' ? first.keys.keys : [];
    const publicKey = await importJWK({ ...jwk }, 'RS256', { extractable: true });
    if (publicKey instanceof Uint8Array) throw new Error('not a public key');
    const pem = `${await exportSPKI(publicKey)}\n${cert}`;
    const { verify } = verifierOf([{ keys: { kind: 'pem', pem } }], provider);
    expect(await outcome(verify(await tokenOf(first)))).toBe('accepted');
    const certified = await importJWK(createPrivateKey(key).export({ format: 'jwk' }), 'ES256');
    const token = await tokenOf({ alg: 'ES256', key: certified, keys: first.keys });
    expect(await outcome(verify(token))).toBe('accepted');
    expect(await outcome(verify(await tokenOf(second)))).toBe('token-signature');
    // The text of the public key must not work as a shared secret.
    for (const text of [pem, cert, pem.trim()]) {
      const confused = await tokenOf({ alg: 'HS256', key: Buffer.from(text), keys: first.keys });
      expect(await outcome(verify(confused))).toBe('token-key-unknown');
    }
    expect(provider.requests).toEqual([]);
  });

  it('takes Ed25519 as well', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const { verify } = verifierOf([{ keys: { kind: 'pem', pem } }], provider);
    const signingKey = await importJWK(privateKey.export({ format: 'jwk' }), 'EdDSA');
    expect(await outcome(verify(await tokenOf({ alg: 'EdDSA', key: signingKey, keys: first.keys })))).toBe(
      'accepted',
    );
  });
});

describe('secrets by reference', () => {
  const reference = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:wisp/acme-AbCdEf';
  const [current, previous] = [sharedSecret(1), sharedSecret(2)];
  const bytesOf = ({ key: bytes }: Signer) => bytes as Uint8Array;
  const textOf = (signer: Signer) => Buffer.from(bytesOf(signer)).toString('base64url');

  function withSecrets(load: SecretSource['load'], encoding?: 'utf8') {
    const keys = {
      kind: 'secret-reference',
      reference,
      ...(encoding === undefined ? {} : { encoding }),
    } as const;
    const secrets = { load: vi.fn(load) };
    return { secrets, ...verifierOf([{ iss, keys }], { fetchText: provider.fetchText, secrets }) };
  }

  it('verify by the current version and the one before', async () => {
    const { verify, secrets } = withSecrets(async () => [textOf(current), bytesOf(previous)]);
    expect(await outcome(verify(await tokenOf(current)))).toBe('accepted');
    expect(await outcome(verify(await tokenOf(previous)))).toBe('accepted');
    expect(await outcome(verify(await tokenOf(sharedSecret(3))))).toBe('token-signature');
    expect(secrets.load.mock.calls).toEqual([[reference]]);
  });

  it('are loaded again after five minutes', async () => {
    const versions = [textOf(previous)];
    const { verify, advance } = withSecrets(async () => [...versions]);
    await verify(await tokenOf(previous));
    versions.unshift(textOf(current));
    expect(await outcome(verify(await tokenOf(current)))).toBe('token-signature');
    advance(300);
    expect(await outcome(verify(await tokenOf(current)))).toBe('accepted');
    expect(await outcome(verify(await tokenOf(previous)))).toBe('accepted');
  });

  it('are taken as text if the issuer says so', async () => {
    const text = 'a secret of more than 32 characters, such as providers make';
    const { verify } = withSecrets(async () => [text], 'utf8');
    expect(await outcome(verify(await tokenOf({ ...current, key: Buffer.from(text) })))).toBe('accepted');
  });

  it('are not loaded for tokens that they cannot have signed', async () => {
    const { verify, secrets } = withSecrets(async () => [textOf(current)]);
    expect(await outcome(verify(await tokenOf(first)))).toBe('token-key-unknown');
    expect(await outcome(verify(await tokenOf(current, { iss: 'else' })))).toBe('token-key-unknown');
    expect(secrets.load).not.toHaveBeenCalled();
  });

  it.each<[string, SecretSource['load'], string]>([
    ['missing', async () => [], 'secret-unavailable'],
    ['failing', () => Promise.reject(new Error('AccessDenied: s3cret')), 'secret-unavailable'],
    ['too short', async () => ['c2hvcnQ'], 'secret-malformed'],
    ['not base64url', async () => ['not base64url at all, but rather long text!'], 'secret-malformed'],
  ])('%s ones admit nobody and say so in the log', async (_, load, code) => {
    const { verify, failures } = withSecrets(load);
    const refusal = await verify(await tokenOf(current));
    expect(refusal).toMatchObject({ code: 'token-keys-unavailable' });
    expect(failures).toEqual([{ code, source: reference }]);
    expect(JSON.stringify([refusal, failures])).not.toMatch(/s3cret|c2hvcnQ|base64url at all/);
  });

  it('cannot be loaded without a source', async () => {
    const { verify, failures } = verifierOf([{ keys: { kind: 'secret-reference', reference } }], provider);
    expect(await outcome(verify(await tokenOf(current)))).toBe('token-keys-unavailable');
    expect(failures).toEqual([{ code: 'keys-source', source: reference }]);
  });
});
