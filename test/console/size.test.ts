import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildConsole } from '../../build/console.ts';

const maxKilobytes = 160;
const maxFirstKilobytes = 40;

const directory = mkdtempSync(join(tmpdir(), 'wisp-console-size-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let built: Metafile;
beforeAll(async () => {
  built = await buildConsole(directory);
});

function gzippedKilobytes(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + gzipSync(readFileSync(join(directory, name))).length, 0) / 1_000;
}

/** Outputs by their names below the directory. */
function outputs(): Readonly<Record<string, Metafile['outputs'][string]>> {
  return Object.fromEntries(Object.entries(built.outputs).map(([path, output]) => [nameOf(path), output]));
}

function nameOf(path: string): string {
  const [, name = ''] = /wisp-console-size-[^/]+\/(.+)$/.exec(path) ?? [];
  return posix.normalize(name);
}

/** A file and what it imports at once, without what it loads later. */
function loadedWith(name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const { path, kind } of outputs()[name]?.imports ?? [])
    if (kind !== 'dynamic-import') loadedWith(nameOf(path), seen);
  return seen;
}

test(`the whole console is at most ${maxKilobytes} kB, gzipped`, () => {
  const all = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.\w+$/.test(name),
  );
  const kilobytes = gzippedKilobytes(all);
  console.log(`console: ${kilobytes.toFixed(1)} kB gzipped in ${all.length} files`);
  expect(kilobytes).toBeLessThanOrEqual(maxKilobytes);
});

test(`opening it loads at most ${maxFirstKilobytes} kB, neither plots nor an MQTT client among them`, () => {
  const first = [...loadedWith('main.js')];
  const kilobytes = gzippedKilobytes(['index.html', 'main.css', 'theme.js', 'icon.svg', ...first]);
  console.log(`console, first load: ${kilobytes.toFixed(1)} kB gzipped`);
  expect(kilobytes).toBeLessThanOrEqual(maxFirstKilobytes);
  const inputs = first.flatMap((name) => Object.keys(outputs()[name]?.inputs ?? {}));
  expect(inputs.filter((path) => /node_modules\/(mqtt|uplot)/.test(path))).toEqual([]);
});
