import { expect, inject, it } from 'vitest';
import { runConsole } from '../../lib/cli/run-console.ts';

it('is shown by "wisp console", which signs what the page asks', async () => {
  const { options } = inject('deployed');
  const lines: string[] = [];
  const terminal = {
    out: (line: string) => void lines.push(line),
    err: (line: string) => void lines.push(line),
  };
  const close = await runConsole({ ...options, port: 0, open: false }, terminal);
  try {
    const { origin, hash } = new URL(lines.at(-1) ?? '');
    const opened = await fetch(`${origin}/console/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ticket: hash.replace('#ticket=', '') }),
    });
    expect(opened.status).toBe(204);
    const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? '';
    const tenants = await fetch(`${origin}/console/admin/tenants?limit=5`, { headers: { cookie } });
    expect([tenants.status, await tenants.json()]).toMatchObject([200, { tenants: expect.any(Array) }]);
    const unknown = await fetch(`${origin}/console/admin/tenants/acme/client?clientId=a%20b%2Fc`, {
      headers: { cookie },
    });
    expect(await unknown.json()).toMatchObject({ code: expect.stringMatching(/-unknown$/) });
  } finally {
    await close?.();
  }
});
