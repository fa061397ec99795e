import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { allowListsText, deepestFolder } from './allow-lists.ts';
import { layers, pathsOf, testFolders } from './layers.ts';
import { readSources } from './sources.ts';
import { withLayerTable } from './table.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(root + path, 'utf8');

describe('the list of layers', () => {
  test('goes one way down: no layer knows itself or one above it', () => {
    const upward = layers.flatMap(({ name, knows }, index) => {
      const below = layers.slice(index + 1).map((layer) => layer.name);
      return knows.filter((known) => !below.includes(known)).map((known) => `${name} → ${known}`);
    });
    expect(upward).toEqual([]);
  });

  test('names each layer and path once, and nothing that it does not define', () => {
    const names = [...layers, ...testFolders].map(({ name }) => name);
    const paths = [...layers.flatMap(pathsOf), ...testFolders.map(({ name }) => name)];
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(paths).size).toBe(paths.length);
    expect(
      testFolders.flatMap(({ of, also }) => [...of, ...also]).filter((name) => !names.includes(name)),
    ).toEqual([]);
  });

  test('covers every folder of code', () => {
    const listed = [...layers.flatMap(pathsOf), ...testFolders.map(({ name }) => name)];
    const files = readSources(['lib', 'test', 'functions', 'cdk', 'build']).map(({ path }) => path);
    const isListed = (file: string): boolean =>
      listed.some(
        (path) =>
          file === path ||
          (file.startsWith(`${path}/`) &&
            file.split('/').length <= path.split('/').length + 1 + deepestFolder),
      );
    expect(files.filter((file) => !isListed(file))).toEqual([]);
  });
});

describe('`npm run layers` has been run since the list changed', () => {
  test('for biome.layers.json', () => {
    expect(read('biome.layers.json')).toBe(allowListsText());
  });

  test('for the table in docs/architecture.md', () => {
    const page = read('docs/architecture.md');
    expect(page).toBe(withLayerTable(page));
  });
});
