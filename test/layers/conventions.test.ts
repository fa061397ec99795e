import { expect, test } from 'vitest';
import { readSources } from './sources.ts';

const commentColumns = 100;

test(`no line of a comment is wider than ${commentColumns} columns`, () => {
  const wide = readSources(['console', 'lib', 'functions', 'cdk', 'build', 'test', 'examples']).flatMap(
    ({ path, text }) =>
      text
        .split('\n')
        .map((line, index) => ({ line, place: `${path}:${index + 1}` }))
        .filter(({ line }) => /^\s*(\/\/|\/?\*)/.test(line) && [...line].length > commentColumns)
        // A long URL stays on one line.
        .filter(({ line }) => !/^\s*(\/\/|\*) https:\S+$/.test(line))
        .map(({ place }) => place),
  );
  expect(wide).toEqual([]);
});

test('no two folders of lib export functions of the same name', () => {
  const foldersOf = new Map<string, Set<string>>();
  const exported =
    /^export (?:async )?(?:function\*? (\w+)|const (\w+)(?:: [^=\n]+)? = (?:async )?(?:\(|<))/gm;
  for (const { path, text } of readSources(['lib']))
    for (const [, declared, constant] of text.matchAll(exported)) {
      const name = declared ?? constant ?? '';
      const folder = path.split('/').slice(0, 2).join('/');
      foldersOf.set(name, (foldersOf.get(name) ?? new Set()).add(folder));
    }
  const shared = [...foldersOf].filter(([, folders]) => folders.size > 1);
  expect(shared.map(([name, folders]) => `${name}: ${[...folders].join(', ')}`)).toEqual([]);
});

test('no file is exempt from the rules for imports', () => {
  const exempt = readSources(['lib', 'functions', 'cdk', 'build', 'test']).filter(({ text }) =>
    /biome-ignore(-\w+)? lint\/(style\/noRestrictedImports|suspicious\/noImportCycles)/.test(text),
  );
  expect(exempt.map(({ path }) => path)).toEqual([]);
});

test('types are imported by statements, because the linter does not see `import(…)` in types', () => {
  const inline = readSources(['lib', 'functions', 'cdk', 'build', 'test']).filter(({ text }) =>
    /\btypeof import\(|\bimport\((['"])[^'"]+\1\)\.[A-Z]/.test(text),
  );
  expect(inline.map(({ path }) => path)).toEqual([]);
});
