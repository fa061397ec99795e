// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of grants look like this
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type FetchText, KeyFetchError } from '../../lib/auth/index.ts';
import { keySetFindings } from '../../lib/cli/key-set-findings.ts';
import { cert, key } from '../support/certificate.ts';
import { home, store, wisp, wispWith } from './commands.ts';

beforeEach(async () => {
  await wisp('tenant', 'create', 'acme');
});

const issuers = async () => (await store().show('acme'))?.issuers.slice(1);

async function file(name: string, text: string): Promise<string> {
  const path = join(home.path, name);
  await writeFile(path, text);
  return path;
}

describe('wisp issuer', () => {
  it('adds an issuer with a JWKS URL and mapped claims', async () => {
    const { exitCode, stdout, stderr } = await wisp(
      ...['issuer', 'add', 'acme', '--iss', 'https://idp.example/', '--audience', 'a', '--audience', 'b'],
      ...[
        '--jwks-url',
        'https://idp.example/jwks',
        '--clock-tolerance',
        '5',
        '--max-token-seconds',
        '3600',
        '--client-id-claim',
        '/a/b',
      ],
      ...['--username-claim', 'u', '--publish-claim', 'p', '--subscribe-claim', 's', '--tenant-claim', 't'],
      ...[
        '--require',
        'token_use=access',
        '--require',
        'https://x/y?z=1=one',
        '--require',
        'https://x/y?z=1=two',
      ],
      ...['--require', 'verified=true', '--publish', 'users/${sub}/#', '--subscribe', '#'],
    );
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^warning: no keys from https:\/\/idp\.example\/jwks \(keys-host\): [^\n]+$/);
    expect(stdout).toBe('Issuer 2 of tenant acme added in the local service.');
    expect(await issuers()).toEqual([
      {
        iss: 'https://idp.example/',
        audience: ['a', 'b'],
        keys: { kind: 'jwks-url', url: 'https://idp.example/jwks' },
        clockToleranceSeconds: 5,
        maxTokenSeconds: 3_600,
        claimMapping: { clientId: '/a/b', username: 'u', publish: 'p', subscribe: 's', tenant: 't' },
        requiredClaims: { token_use: 'access', 'https://x/y?z=1': ['one', 'two'], verified: true },
        defaultGrants: { publish: ['users/${sub}/#'], subscribe: ['#'] },
      },
    ]);
  });

  describe('looks at the key set behind a URL', () => {
    const add = (fetchKeys: FetchText, ...flags: string[]) =>
      wispWith(
        { fetchKeys },
        ...['issuer', 'add', 'acme', '--iss', 'https://idp/', '--jwks-url', 'https://idp/jwks', ...flags],
      );
    const signing = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'B'.repeat(43) };
    const ignored = [
      { ...signing, kid: 'enc', use: 'enc' },
      { ...signing, kid: 'p\n  usable  kid forged\u001b[2J', d: 's3cret' },
      { kty: 'oct', kid: 'k'.repeat(99), k: 's3cret' },
    ];

    it('lists the keys that can verify, and says what the others need', async () => {
      const text = JSON.stringify({ keys: [{ ...signing, kid: 'one' }, signing, ...ignored] });
      const { exitCode, stdout, stderr } = await add(async () => text, '--require-keys');
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout.split('\n')).toEqual([
        'Issuer 2 of tenant acme added in the local service.',
        'Its key set has 5 keys; 2 can verify tokens.',
        '  usable  kid one  ES256',
        '  usable  (no kid)  ES256',
        '  ignored kid enc  needed: a key for signatures ("use": "sig")',
        expect.stringMatching(
          /^ {2}ignored kid p\\u000a {2}usable {2}kid forged\\u001b\[2J {2}needed: a public/,
        ),
        expect.stringMatching(/^ {2}ignored kid k{64}… {2}needed: a public key/),
      ]);
      expect(stdout).not.toContain('s3cret');
    });

    it.each([
      [
        'cannot be fetched',
        (): Promise<string> => Promise.reject(new KeyFetchError('keys-timeout')),
        'keys-timeout',
      ],
      ['is not JSON', async (): Promise<string> => '<html>', 'keys-not-json'],
      [
        'has no key for signatures',
        async (): Promise<string> => JSON.stringify({ keys: ignored }),
        '0 can verify tokens',
      ],
    ] as const)('warns where it %s, and adds nothing with --require-keys', async (_, fetchKeys, message) => {
      expect(await add(fetchKeys, '--require-keys')).toMatchObject({
        exitCode: 1,
        stdout: '',
        stderr: expect.stringMatching(/^wisp: [^\n]*; nothing was added$/),
      });
      expect(await issuers()).toEqual([]);
      const { exitCode, stderr } = await add(fetchKeys);
      expect(exitCode).toBe(0);
      expect(stderr).toContain(`warning: `);
      expect(stderr).toContain(message);
      expect(await issuers()).toHaveLength(1);
    });

    it('refuses what the service would refuse: the host of a deployment must be public', async () => {
      const issuer = { keys: { kind: 'jwks-url', url: 'https://127.0.0.1/jwks' } };
      const found = await keySetFindings(issuer, { isLocal: false });
      expect(found).toEqual({ isUsable: false, lines: [expect.stringContaining('(keys-address)')] });
    });
  });

  it('adds keys and secrets from files, and shows no secret', async () => {
    const secret = 's3cret-s3cret-s3cret-s3cret-s3cret-s3cret-s3cret';
    const jwk = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'B'.repeat(43) };
    const arn = 'arn:aws:secretsmanager:eu-west-3:123456789012:secret:wisp/acme-AbCdEf';
    const added = [
      ['--pem-file', await file('a.pem', cert)],
      ['--jwks-file', await file('a.jwk', JSON.stringify(jwk))],
      ['--jwks-file', await file('a.jwks', JSON.stringify({ keys: [jwk, jwk] }))],
      ['--secret-arn', arn, '--secret-encoding', 'utf8'],
      ['--secret-file', await file('a.secret', `${secret}\n`)],
      ['--secret-file', await file('b.secret', `${secret}\n`), '--secret-encoding', 'utf8'],
      [
        '--file',
        await file('a.json', JSON.stringify({ iss: 'whole', keys: { kind: 'inline', keys: [jwk] } })),
      ],
    ];
    for (const flags of added) {
      expect(await wisp('issuer', 'add', 'acme', ...flags)).toMatchObject({ exitCode: 0, stderr: '' });
    }
    expect((await issuers())?.map(({ keys }) => keys)).toEqual([
      { kind: 'pem', pem: cert },
      { kind: 'inline', keys: [jwk] },
      { kind: 'inline', keys: [jwk, jwk] },
      { kind: 'secret-reference', reference: arn, encoding: 'utf8' },
      { kind: 'secret', secret },
      { kind: 'secret', secret: Buffer.from(secret).toString('base64url') },
      { kind: 'inline', keys: [jwk] },
    ]);
    const listed = await wisp('issuer', 'list', 'acme');
    expect(listed.stdout.split('\n')).toHaveLength(8);
    expect(listed.stdout).toMatch(/^ 1 {2}wisp:acme .* 1 public key$/m);
    expect(listed.stdout).toMatch(/^ 5 {2}\(any iss\) .*wisp\/acme-AbCdEf$/m);
    const json = await wisp('issuer', 'list', 'acme', '--json');
    expect(JSON.parse(json.stdout)).toHaveLength(8);
    const shown = await wisp('tenant', 'show', 'acme');
    const encoded = Buffer.from(secret).toString('base64url');
    for (const { stdout } of [listed, json, shown]) {
      expect(stdout).not.toContain(secret);
      expect(stdout).not.toContain(encoded);
    }
  });

  it('removes an issuer by its number', async () => {
    await wisp('issuer', 'add', 'acme', '--iss', 'two', '--pem-file', await file('a.pem', cert));
    await wisp('issuer', 'add', 'acme', '--iss', 'three', '--pem-file', await file('a.pem', cert));
    expect(await wisp('issuer', 'remove', 'acme', '2')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await issuers())?.map(({ iss }) => iss)).toEqual(['three']);
    expect(await wisp('issuer', 'remove', 'acme', '3')).toMatchObject({
      exitCode: 1,
      stderr: 'wisp: tenant acme has no issuer 3',
    });
  });

  it('keeps both of two issuers that are added concurrently', async () => {
    const pem = await file('a.pem', cert);
    await Promise.all(
      ['one', 'two', 'three'].map((iss) => wisp('issuer', 'add', 'acme', '--iss', iss, '--pem-file', pem)),
    );
    expect((await issuers())?.map(({ iss }) => iss).toSorted()).toEqual(['one', 'three', 'two']);
  });

  it('refuses invalid issuers in one line, without key material and without a change', async () => {
    const before = await store().read('acme');
    const pem = await file('private.pem', key);
    const refused = [
      [['--pem-file', pem], 1, /issuers\[1\]\.keys\.pem: .*public key/],
      [['--jwks-url', 'https://idp.example/'], 1, /iss: .*a JWKS URL needs one/],
      [['--iss', 'i', '--jwks-url', 'file:///etc/passwd'], 1, /url: .*a URL with https/],
      [['--secret-file', await file('short', 's3cret')], 1, /secret: .*at least 32 bytes/],
      [['--jwks-file', await file('broken', 's3cret')], 1, /broken is not JSON/],
      [['--pem-file', join(home.path, 'absent')], 1, /cannot read .*absent/],
      [['--pem-file', pem, '--publish', 'a/#/b'], 1, /issuers\[1\]/],
      [[], 2, /name its keys/],
      [['--pem-file', pem, '--jwks-url', 'https://a/'], 2, /name its keys/],
      [['--pem-file', pem, '--require', 'a'], 2, /CLAIM=VALUE/],
      [['--secret-file', pem, '--secret-encoding', 'hex'], 2, /base64url, utf8/],
    ] as const;
    for (const [flags, exitCode, message] of refused) {
      const result = await wisp('issuer', 'add', 'acme', ...flags);
      expect(result).toMatchObject({ exitCode, stdout: '' });
      expect(result.stderr).toMatch(message);
      expect(result.stderr).not.toMatch(/s3cret|MIG/);
    }
    expect(await wisp('issuer', 'add', 'nobody', '--pem-file', await file('a.pem', cert))).toMatchObject({
      exitCode: 1,
      stderr: 'wisp: there is no tenant nobody in the local service',
    });
    expect(await wisp('issuer', 'remove', 'acme', 'x')).toMatchObject({ exitCode: 2 });
    expect(await store().read('acme')).toEqual(before);
  });
});
