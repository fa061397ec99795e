import { expect, test } from 'vitest';
import { readSources } from './sources.ts';

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
