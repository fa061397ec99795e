import { beforeEach, describe, expect, it } from 'vitest';
import { keyOf, verified, wisp } from './commands.ts';

describe('wisp token', () => {
  beforeEach(() => wisp('tenant', 'create', 'acme'));

  it('prints a token for every topic, valid for an hour, and nothing else', async () => {
    const { exitCode, stdout, stderr } = await wisp('token', 'acme');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    const { iat, exp, jti } = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString());
    expect(exp - iat).toBe(3_600);
    expect(jti).toMatch(/^[\w-]{36}$/);
    expect(await verified(stdout)).toEqual({
      tenant: 'acme',
      subject: 'acme',
      tokenId: jti,
      issuedAtSeconds: iat,
      expiresAtSeconds: exp,
      grants: [
        { effect: 'allow', action: 'publish', filter: '#' },
        { effect: 'allow', action: 'subscribe', filter: '#' },
      ],
    });
    await expect(verified(stdout, exp)).rejects.toThrow('token-expired');
  });

  it('contains what the flags say', async () => {
    const filters = ['--publish', 'a/#', '--publish', 'b', '--subscribe', 'c/+'];
    const { stdout } = await wisp('token', 'acme', '--client-id', 'sensor 7', ...filters, '--ttl', '2d');
    const identity = await verified(stdout);
    expect(identity).toMatchObject({ clientId: 'sensor 7', subject: 'sensor 7' });
    expect(identity.grants.map(({ action, filter }) => `${action} ${filter}`)).toEqual([
      'publish a/#',
      'publish b',
      'subscribe c/+',
    ]);
  });

  it('with one kind of filter does not allow the other kind', async () => {
    const { stdout } = await wisp('token', 'acme', '--publish', 'a');
    expect((await verified(stdout)).grants).toEqual([{ effect: 'allow', action: 'publish', filter: 'a' }]);
  });

  it('needs no running service, only the key', async () => {
    const { stdout } = await wisp('token', 'acme', '--key', keyOf('acme'), '--stack', 'Elsewhere');
    expect(await verified(stdout)).toMatchObject({ tenant: 'acme' });
  });

  it.each([
    ['a malformed filter', ['acme', '--publish', 'a/#/b'], 1, 'misplaced wildcard'],
    ['a share', ['acme', '--subscribe', '$share/g/a'], 1, 'leave out "$share/name/"'],
    ['an empty client id', ['acme', '--client-id', ''], 1, 'at least one character'],
    ['a wrong duration', ['acme', '--ttl', '1.5h'], 2, 'such as 90s, 15m, 1h, 7d'],
    ['an unknown tenant', ['nobody'], 1, 'tenant create nobody'],
    [
      'too many filters',
      ['acme', ...Array.from({ length: 900 }, () => ['--publish', 'a/b/c']).flat()],
      1,
      '8192 bytes',
    ],
  ])('refuses %s', async (_, args, exitCode, message) => {
    const result = await wisp('token', ...args);
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr).toContain(message);
  });
});
