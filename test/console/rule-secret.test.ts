import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRuleSecret } from '../../lib/local/console/rule-secret.ts';
import { startTestService, type TestService } from '../support/service.ts';

let keyDirectory: string;
let service: TestService;
beforeAll(async () => {
  keyDirectory = await mkdtemp(join(tmpdir(), 'wisp-console-'));
  service = await startTestService();
  await service.tenant('acme');
  const target = { kind: 'webhook', url: 'https://example.com/in' };
  const response = await fetch(`${service.adminUrl}/tenants/acme/rules/hook`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ filter: 'a/#', target }),
  });
  expect(response.status).toBe(201);
});
afterAll(async () => {
  await service?.close();
  await rm(keyDirectory, { recursive: true, force: true });
});

function create(body: object) {
  const request = {
    method: 'POST',
    path: 'rule-secrets',
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  };
  return createRuleSecret(request, { url: service.adminUrl }, keyDirectory);
}

test('the page learns where a signing secret is, never the secret', async () => {
  const path = join(keyDirectory, 'rules', 'acme.hook.secret');
  expect(await create({ tenant: 'acme', rule: 'hook' })).toEqual({ status: 201, body: { path } });
  const first = await readFile(path, 'utf8');
  expect(first).toMatch(/^whsec_/);
  expect((await stat(path)).mode & 0o777).toBe(0o600);

  expect(await create({ tenant: 'acme', rule: 'hook', rotate: true })).toEqual({
    status: 201,
    body: { path },
  });
  expect(await readFile(path, 'utf8')).not.toBe(first);
  expect(await readFile(`${path}.previous`, 'utf8')).toBe(first);
});

test.each([
  ['tenant', { tenant: '../acme', rule: 'hook' }],
  ['rule', { tenant: 'acme', rule: '../../etc/x' }],
  ['rule', { tenant: 'acme', rule: 'a/b' }],
])('a %s that is no name leads to no file', async (member, body) => {
  await expect(create(body)).rejects.toThrow(`${member}: expected a name`);
});

test('a rule that does not exist gets no secret', async () => {
  expect(await create({ tenant: 'acme', rule: 'nobody' })).toMatchObject({
    status: 404,
    body: { code: 'rule-unknown' },
  });
});
