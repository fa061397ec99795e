import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  it('needs Node alone', () => {
    const text = built('one').toString();
    const imported = [...text.matchAll(/\b(?:from|import|require\()\s*["']([^"'\n]+)["']/g)].map(
      ([, name = '']) => name.replace(/^node:/, ''),
    );
    const optional = ['bufferutil', 'utf-8-validate'];
    const foreign = imported.filter((name) => !builtinModules.includes(name) && !optional.includes(name));
    expect(foreign).toEqual([]);
  });
});
