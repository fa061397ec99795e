import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Identity, isAuthError, type TenantAdmin, verifyToken } from '../../lib/auth/index.ts';
import { createDynamoClient } from '../../lib/aws/dynamodb.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { run } from '../../lib/cli/program.ts';
import { writeLocalState } from '../../lib/local/operator/local-state.ts';
import { createTenantStore } from '../../lib/store/tenants.ts';
import {
  recordingTerminal,
  type Service,
  startService,
  temporaryDirectory,
  tenantsTable,
} from './service.ts';

let service: Service;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

beforeEach(async () => {
  home = await temporaryDirectory();
  vi.stubEnv('WISP_HOME', home.path);
  for (const name of ['WISP_STACK', 'WISP_TENANTS_TABLE', 'WISP_ENDPOINT', 'npm_command'])
    vi.stubEnv(name, undefined);
  await writeLocalState(home.path, {
    formatVersion: 1,
    pid: process.pid,
    endpoint: service.endpoint,
    tables: { tenants: tenantsTable },
    webSocketUrl: 'ws://127.0.0.1:8080/mqtt',
    mqttPort: 1883,
  });
});
afterEach(async () => {
  const admin = store();
  for (const { name } of (await admin.list(undefined, 100)).tenants) await admin.delete(name);
  vi.unstubAllEnvs();
  await home.remove();
});

/** A fresh store each time: it remembers configurations for some seconds. */
function store(): ReturnType<typeof createTenantStore> {
  const { endpoint } = service;
  const client = createDynamoClient({ endpoint, region: 'local', credentials: localCredentials });
  return createTenantStore(client, tenantsTable, Date.now);
}

async function wisp(...args: string[]) {
  const terminal = recordingTerminal();
  const exitCode = await run(args, terminal);
  return { exitCode, stdout: terminal.stdout.join('\n'), stderr: terminal.stderr.join('\n') };
}

async function verified(token: string, nowSeconds = Math.floor(Date.now() / 1_000)): Promise<Identity> {
  const result = await verifyToken({ token, lookup: store(), nowSeconds });
  if (isAuthError(result)) throw new Error(result.code);
  return result;
}

const keyOf = (tenant: string) => join(home.path, 'keys', `${tenant}.jwk`);

describe('wisp tenant create', () => {
  it('keeps the private key in a file of its owner, and only there', async () => {
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

  it('uses the key that is there when the local service has forgotten the tenant', async () => {
    await wisp('tenant', 'create', 'acme');
    const { stdout: token } = await wisp('token', 'acme');
    await store().delete('acme');
    expect((await wisp('tenant', 'create', 'acme')).stdout).toContain('(existing)');
    expect(await verified(token)).toMatchObject({ tenant: 'acme' });
  });

  it('never overwrites a key file that it does not understand', async () => {
    await wisp('tenant', 'create', 'acme');
    await store().delete('acme');
    await writeFile(keyOf('acme'), 'precious');
    const { exitCode, stderr } = await wisp('tenant', 'create', 'acme');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('is not a private key');
    expect(stderr).not.toContain('precious');
    expect(await readFile(keyOf('acme'), 'utf8')).toBe('precious');
  });

  it('keeps the keys of another deployment apart, and does not take an old one there', async () => {
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

  it('an empty list says so, but not on standard output', async () => {
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
    '%s needs the admin API, which a table alone does not tell',
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

  it('holds what the flags say', async () => {
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

describe('without a service', () => {
  it('says how to start one', async () => {
    const empty = await temporaryDirectory();
    vi.stubEnv('WISP_HOME', empty.path);
    const { exitCode, stderr } = await wisp('tenant', 'list');
    await empty.remove();
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^wisp: no local service is running .*"wisp start", .*--stack$/);
  });

  it('says so when it has gone', async () => {
    const gone = await startService();
    await gone.close();
    await writeLocalState(home.path, {
      formatVersion: 1,
      pid: 1,
      endpoint: gone.endpoint,
      tables: { tenants: tenantsTable },
      webSocketUrl: '',
    });
    const { exitCode, stderr } = await wisp('tenant', 'list');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^wisp: the service does not answer \(ECONNREFUSED\); "(?:npx )?wisp start" [^\n]*$/,
    );
  });

  it('names a table that is not there', async () => {
    const { stderr } = await wisp(
      'tenant',
      'list',
      '--tenants-table',
      'other',
      '--endpoint',
      service.endpoint,
    );
    expect(stderr).toMatch(/^wisp: the Tenants table does not exist there[^\n]*$/);
  });

  it.each([
    [['--region', 'eu-central-1'], '--stack or --tenants-table'],
    [['--endpoint', 'http://127.0.0.1:1'], '--stack or --tenants-table'],
    [['--stack', '../x'], '--stack: letters'],
    [['--tenants-table', '..'], '--tenants-table: 3 to 255'],
  ])('refuses %j as wrong usage', async (flags, message) => {
    const { exitCode, stderr } = await wisp('tenant', 'list', ...flags);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('help', () => {
  it.each([
    [[]],
    [['start']],
    [['tenant']],
    [['tenant', 'create']],
    [['tenant', 'list']],
    [['tenant', 'show']],
    [['tenant', 'suspend']],
    [['tenant', 'delete']],
    [['client']],
    [['client', 'list']],
    [['retained', 'show']],
    [['subscribers']],
    [['publish']],
    [['usage']],
    [['revoke']],
    [['token']],
  ])('of %j says what it does, and has examples', async (command) => {
    const { exitCode, stdout } = await wisp(...command, '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Usage: .+\n\n[A-Z](.|\n\S)+\.\n\n/);
    expect(stdout).toMatch(/Examples:\n {2}\$ wisp /);
  });

  it('is shown for a call without a command, as wrong usage', async () => {
    expect(await wisp()).toMatchObject({ exitCode: 2, stdout: '' });
    expect((await wisp('tokn')).stderr).toContain('Did you mean token?');
  });
});
