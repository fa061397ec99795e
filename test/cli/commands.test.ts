import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { removeLocalState, writeLocalState } from '../../lib/local/operator/local-state.ts';
import { home, service, wisp } from './commands.ts';
import { startService, temporaryDirectory, tenantsTable } from './service.ts';

describe('without a service', () => {
  it('says how to start one', async () => {
    const empty = await temporaryDirectory();
    vi.stubEnv('WISP_HOME', empty.path);
    const { exitCode, stderr } = await wisp('tenant', 'list');
    await empty.remove();
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^wisp: no local service is running .*"wisp start", .*--stack$/);
  });

  it('says that a service that has ended does not answer', async () => {
    const gone = await startService();
    await gone.close();
    await removeLocalState(home.path, process.pid);
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

  it('forgets a service whose process has ended, and asks which of several is meant', async () => {
    const announced = (pid: number, port: number) =>
      writeLocalState(home.path, {
        formatVersion: 1,
        pid,
        endpoint: service.endpoint,
        tables: { tenants: tenantsTable },
        webSocketUrl: `ws://127.0.0.1:${port}/mqtt`,
      });
    const ended = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(ended, 'exit');
    await announced(ended.pid ?? 0, 9090);
    expect((await wisp('tenant', 'list')).exitCode).toBe(0);
    await announced(1, 9091);
    const { exitCode, stderr } = await wisp('tenant', 'list');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^wisp: several local services are running; select one with --local-port: .*:9091\/mqtt \(process 1\), .*:8080\/mqtt \(process \d+\)$/,
    );
    expect((await wisp('tenant', 'list', '--local-port', '9091')).exitCode).toBe(0);
    expect((await wisp('tenant', 'list', '--local-port', '9090')).stderr).toMatch(
      /^wisp: no local service has the gateway port 9090: ws:.*; start one with/,
    );
    expect((await wisp('tenant', 'list', '--local-port', '9091', '--stack', 'Wisp')).exitCode).toBe(2);
  });

  it('says that a table does not exist', async () => {
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
    [['metrics']],
    [['revoke']],
    [['token']],
  ])('of %j says what it does, and has examples', async (command) => {
    const { exitCode, stdout } = await wisp(...command, '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Usage: .+\n\n[A-Z](.|\n\S)+\.\n\n/);
    expect(stdout).toMatch(/Examples:\n {2}\$ wisp /);
  });

  it('of a subcommand shows its own examples, that of a family all', async () => {
    const examples = async (...command: string[]) =>
      (await wisp(...command, '--help')).stdout.split('\n').filter((line) => line.startsWith('  $ '));
    expect(await examples('tenant', 'list')).toEqual(['  $ wisp tenant list']);
    expect(await examples('revoke')).toEqual([
      '  $ wisp revoke acme --client-id sensor-7',
      '  $ wisp revoke acme --all --keep 1h',
    ]);
    expect((await examples('tenant')).length).toBeGreaterThan(5);
  });

  it('of issuer add says when --iss is needed', async () => {
    expect((await wisp('issuer', 'add', '--help')).stdout).toContain('--jwks-url needs it');
  });

  it('is shown for a call without a command, as wrong usage', async () => {
    expect(await wisp()).toMatchObject({ exitCode: 2, stdout: '' });
    expect((await wisp('tokn')).stderr).toContain('Did you mean token?');
  });
});

describe('wrong arguments', () => {
  it.each([
    [['quotas', 'acme', 'shapes=1000'], 'wisp: shapes: expected a whole number, 0 to 64'],
    [['tenant', 'create', 'acme', '--quota', 'shapes=65'], 'wisp: shapes: expected a whole number, 0 to 64'],
    [
      ['revoke', 'acme', '--all', '--client-id', 'x'],
      'wisp: --all revokes every token of the tenant: leave it out to revoke those of --client-id only',
    ],
    [
      ['revoke', 'acme', '--token-id', 'x', '--client-id', 'x'],
      'wisp: give only one of --token-id and --client-id; revoke the others in a second call',
    ],
  ])('%j say what is wrong', async (args, stderr) => {
    expect(await wisp(...args)).toEqual({ exitCode: 2, stdout: '', stderr });
  });
});
