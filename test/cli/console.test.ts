import { beforeEach, expect, it } from 'vitest';
import { run } from '../../lib/cli/program.ts';
import { runConsole } from '../../lib/cli/run-console.ts';
import { localTables, startTestService } from '../support/service.ts';
import { cleanUps, startEmulator } from './emulator.ts';
import { announce, recordingTerminal, temporaryDirectory, useHome } from './service.ts';

let home: string;
beforeEach(async () => {
  const directory = await temporaryDirectory();
  cleanUps.push(() => directory.remove());
  home = directory.path;
  useHome(home);
});

/** Opens a session with a link, as the page does. @returns the cookie */
async function openLink(link: string): Promise<string> {
  const { origin, hash } = new URL(link);
  const response = await fetch(`${origin}/console/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ticket: hash.replace('#ticket=', '') }),
  });
  expect(response.status).toBe(204);
  return response.headers.get('set-cookie')?.split(';')[0] ?? '';
}

const flags = { port: 0, open: false } as const;

it('prints a new link to the console of the local service each time', async () => {
  const service = await startTestService({ console: { keyDirectory: home } });
  cleanUps.push(() => service.close());
  await announce(service, home);
  const links = new Set<string>();
  for (let count = 0; count < 2; count += 1) {
    const terminal = recordingTerminal();
    expect(await run(['console', '--no-open'], terminal)).toBe(0);
    const [link = ''] = terminal.stdout;
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/console#ticket=[\w-]{43}$/);
    await openLink(link);
    links.add(link);
  }
  expect(links.size).toBe(2);
});

it('says that no service is running', async () => {
  const terminal = recordingTerminal();
  expect(await run(['console', '--no-open'], terminal)).toBe(1);
  expect(terminal.stderr.join('\n')).toContain('no local service is running');
});

it('serves the console of a stack, and signs what the page asks of the admin API', async () => {
  const service = await startTestService();
  cleanUps.push(() => service.close());
  await service.tenant('acme');
  const api = 'https://a1b2c3.execute-api.us-east-1.amazonaws.com';
  const endpoint = await startEmulator(
    { TenantsTableName: localTables.tenants, AdminUrl: `${api}/admin`, PublishUrl: `${api}/publish` },
    service,
  );
  const terminal = recordingTerminal();
  const close = await runConsole({ ...flags, stack: 'Wisp', endpoint }, terminal);
  cleanUps.push(() => close?.());
  expect(terminal.stdout[0]).toBe('The console of stack Wisp is running. Ctrl-C ends it.');
  const link = terminal.stdout[1] ?? '';
  const { origin } = new URL(link);
  const cookie = await openLink(link);
  const get = async (path: string) =>
    (await fetch(`${origin}/console/${path}`, { headers: { cookie } })).json() as Promise<unknown>;
  expect(await get('about')).toMatchObject({ label: 'stack Wisp', isLocal: false, mintable: [] });
  expect(await get('admin/tenants?limit=5')).toMatchObject({ tenants: [{ name: 'acme' }] });
  expect(await get('admin/tenants/acme/subscribers?topic=a%20b')).toEqual({ subscribers: [] });

  const post = (path: string, body: object) =>
    fetch(`${origin}/console/${path}`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect((await post('tenants', { name: 'made-here' })).status).toBe(201);
  expect(await get('about')).toMatchObject({ mintable: ['made-here'] });
  const { token } = (await (await post('tokens', { tenant: 'made-here', publish: ['a/#'] })).json()) as {
    token: string;
  };
  const check = await post('admin/tenants/made-here/token/check', { token });
  expect(await check.json()).toMatchObject({
    valid: true,
    permissions: [{ action: 'publish', filter: 'a/#' }],
  });
  const refused = await post('tokens', { tenant: 'acme' });
  expect([refused.status, await refused.json()]).toMatchObject([404, { code: 'key-missing' }]);
});

it('names the port that is taken', async () => {
  const service = await startTestService();
  cleanUps.push(() => service.close());
  const port = Number(new URL(service.adminUrl).port);
  const endpoint = await startEmulator({
    TenantsTableName: 'wisp-tenants',
    AdminUrl: 'https://a1b2c3.execute-api.us-east-1.amazonaws.com/admin',
  });
  await expect(
    runConsole({ ...flags, port, stack: 'Wisp', endpoint }, recordingTerminal()),
  ).rejects.toMatchObject({
    code: 'port-in-use',
  });
});
