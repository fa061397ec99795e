import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildEdge } from '../../build/edge.ts';

describe('the bundle of the edge', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wisp-edge-bundle-'));
  const built = (name: string): Buffer => readFileSync(join(directory, name, 'edge.mjs'));
  beforeAll(() => Promise.all(['one', 'other'].map((name) => buildEdge(join(directory, name)))));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('is the same each time, so that what has not changed is not deployed', () => {
    expect(built('one').equals(built('other'))).toBe(true);
    expect(built('one').includes(process.cwd())).toBe(false);
  });

  it('is one file that a ConfigMap of Kubernetes can hold', () => {
    expect(built('one').length).toBeLessThan(1_000_000);
  });

  it('finds everything that it needs in itself and in Node', async () => {
    const run = promisify(execFile)(process.execPath, ['edge.mjs'], {
      cwd: join(directory, 'one'),
      env: {},
      timeout: 30_000,
    });
    // Without its environment it ends with an error, but not for want of a package.
    const { stderr } = await run.catch((error: { stderr: string }) => error);
    expect(stderr).not.toBe('');
    expect(stderr).not.toMatch(/MODULE_NOT_FOUND|Cannot find|Dynamic require|SyntaxError/);
  });
});
