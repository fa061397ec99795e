import { describe, expect, it, vi } from 'vitest';
import { writeLocalState } from '../../lib/local/operator/local-state.ts';
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
