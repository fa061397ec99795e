import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TenantAdmin } from '../../lib/auth/index.ts';
import { home, keyOf, service, store, verified, wisp } from './commands.ts';
import { tenantsTable } from './service.ts';

describe('wisp tenant create', () => {
  it('sets quotas', async () => {
    expect(
      await wisp('tenant', 'create', 'acme', '--quota', 'shapes=16', '--quota', 'connections=100'),
    ).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await store().show('acme'))?.quotas).toEqual({ shapes: 16, connections: 100 });
  });

  it('writes the private key to a file that only its owner can read, and nowhere else', async () => {
    const { exitCode, stdout, stderr } = await wisp('tenant', 'create', 'acme');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(keyOf('acme'));
    expect(stdout).toContain('wisp token acme');
    expect(stdout).toContain('mosquitto_sub -p 1883');

    expect((await stat(keyOf('acme'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(home.path, 'keys'))).mode & 0o777).toBe(0o700);
    const { d, ...publicKey } = JSON.parse(await readFile(keyOf('acme'), 'utf8'));
    expect(d).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const stored = await store().show('acme');
    expect(stored).toMatchObject({
      status: 'active',
      issuers: [{ iss: 'wisp:acme', audience: 'wisp', keys: { kind: 'inline', keys: [publicKey] } }],
    });
    expect(JSON.stringify(stored) + stdout).not.toContain(d);
  });

  it('refuses a tenant that exists and leaves its key alone', async () => {
    await wisp('tenant', 'create', 'acme');
    const key = await readFile(keyOf('acme'), 'utf8');
    const { exitCode, stderr } = await wisp('tenant', 'create', 'acme');
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'wisp: tenant acme already exists' });
    expect(await readFile(keyOf('acme'), 'utf8')).toBe(key);
  });

  it('uses the existing key if the local service has lost the tenant', async () => {
    await wisp('tenant', 'create', 'acme');
    const { stdout: token } = await wisp('token', 'acme');
    await store().delete('acme');
    expect((await wisp('tenant', 'create', 'acme')).stdout).toContain('(existing)');
    expect(await verified(token)).toMatchObject({ tenant: 'acme' });
  });

  it('never overwrites a key file that it cannot parse', async () => {
    await wisp('tenant', 'create', 'acme');
    await store().delete('acme');
    await writeFile(keyOf('acme'), 'precious');
    const { exitCode, stderr } = await wisp('tenant', 'create', 'acme');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('is not a private key');
    expect(stderr).not.toContain('precious');
    expect(await readFile(keyOf('acme'), 'utf8')).toBe('precious');
  });

  it('keeps keys by deployment, and does not reuse a key for a deployment in AWS', async () => {
    const there = ['--tenants-table', tenantsTable, '--endpoint', service.endpoint];
    await wisp('tenant', 'create', 'acme');
    await store().delete('acme');
    expect((await wisp('tenant', 'create', 'acme', ...there)).exitCode).toBe(0);
    const other = join(home.path, 'keys', `table-${tenantsTable}`, 'acme.jwk');
    expect(await readFile(other, 'utf8')).not.toBe(await readFile(keyOf('acme'), 'utf8'));

    await store().delete('acme');
    const again = await wisp('tenant', 'create', 'acme', ...there);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain('already exists; move it away first');
    expect(await store().show('acme')).toBeUndefined();
  });

  it.each(['Acme', 'a/b', '../evil', '-a', 'a'.repeat(64), ''])(
    'refuses the name %j as wrong usage',
    async (name) => {
      const { exitCode, stderr, stdout } = await wisp('tenant', 'create', '--', name);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain('1 to 63 characters');
    },
  );
});

describe('wisp tenant list, show, delete', () => {
  it('list is sorted by name, as text and as JSON', async () => {
    for (const name of ['zeta', 'acme']) await wisp('tenant', 'create', name);
    expect((await wisp('tenant', 'list')).stdout).toMatch(/^acme +active +\S+Z\nzeta +active +\S+Z$/);
    const names = JSON.parse((await wisp('tenant', 'list', '--json')).stdout).map(
      ({ name }: { name: string }) => name,
    );
    expect(names).toEqual(['acme', 'zeta']);
  });

  it('an empty list prints nothing to standard output', async () => {
    expect(await wisp('tenant', 'list')).toMatchObject({ exitCode: 0, stdout: '' });
    expect(JSON.parse((await wisp('tenant', 'list', '--json')).stdout)).toEqual([]);
  });

  it('show leaves shared secrets out', async () => {
    const admin: TenantAdmin = store();
    const secret = 'c2VjcmV0'.repeat(8);
    await admin.create('shared', {
      formatVersion: 1,
      status: 'active',
      createdAtMs: 0,
      issuers: [{ keys: { kind: 'secret', secret } }],
    });
    const { stdout } = await wisp('tenant', 'show', 'shared');
    expect(JSON.parse(stdout)).toMatchObject({ name: 'shared', issuers: [{ keys: { kind: 'secret' } }] });
    expect(stdout).not.toContain(secret);
  });

  it.each(['suspend', 'resume', 'delete'])(
    '%s needs the admin API, which --tenants-table does not tell',
    async (verb) => {
      const there = ['--tenants-table', tenantsTable, '--endpoint', service.endpoint];
      await wisp('tenant', 'create', 'acme', ...there);
      const { exitCode, stderr } = await wisp('tenant', verb, 'acme', ...there);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/^wisp: table \S+ does not tell where its admin API is[^\n]*--stack$/);
      expect(await store().show('acme')).toBeDefined();
    },
  );

  it('show of an unknown tenant fails in one line', async () => {
    expect(await wisp('tenant', 'show', 'nobody')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'wisp: there is no tenant nobody in the local service',
    });
  });
});
