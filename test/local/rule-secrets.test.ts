import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { createLocalRuleSecrets } from '../../lib/local/rule-secrets.ts';

const acme = vouchedTenantId('acme');
const of = (...values: string[]) => values.map((value) => ({ value, sinceMs: 7 }));
const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wisp-rule-secrets-'));
  directories.push(directory);
  return directory;
}

describe.each(['files', 'memory'])('secrets of rules in %s', (kind) => {
  const create = async () => createLocalRuleSecrets(kind === 'files' ? await newDirectory() : undefined);

  it('are read as they were written, for their rule alone', async () => {
    const secrets = await create();
    await secrets.write(acme, 'hook', of('new', 'old', 'oldest'));
    expect(await secrets.read(acme, 'hook')).toEqual(['new', 'old']);
    expect(await secrets.read(acme, 'other')).toEqual([]);
    expect(await secrets.read(vouchedTenantId('other'), 'hook')).toEqual([]);
    await secrets.write(acme, 'hook', of('newest'));
    expect(await secrets.read(acme, 'hook')).toEqual(['newest']);
    expect(await secrets.load(acme, 'hook')).toEqual(of('newest'));
    await secrets.delete(acme, 'hook');
    await secrets.delete(acme, 'hook');
    expect(await secrets.read(acme, 'hook')).toEqual([]);
  });

  it('have no rule whose name leads out of the directory', async () => {
    const secrets = await create();
    for (const rule of ['../x', 'a/b', 'a.b', '']) {
      await expect((async () => secrets.write(acme, rule, of('s')))()).rejects.toThrow(RangeError);
    }
  });
});

it('only the owner can read the files, and they outlive the process', async () => {
  const directory = await newDirectory();
  await createLocalRuleSecrets(directory).write(acme, 'hook', of('s'));
  const folder = join(directory, 'rule-secrets');
  expect(await readdir(folder)).toEqual(['acme.hook.json']);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, 'acme.hook.json'))).mode & 0o777).toBe(0o600);
  expect(await createLocalRuleSecrets(directory).read(acme, 'hook')).toEqual(['s']);
});
