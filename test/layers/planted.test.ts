import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allRestricted, isFile, pathsOf, type Restricted } from './layers.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Imports that must fail whatever the list of layers says. */
const forbidden = [
  ['lib/mqtt/planted.ts', '../wire/index.ts'],
  ['lib/mqtt/planted.ts', '../core/model.ts'],
  ['lib/wire/planted.ts', '../mqtt/index.ts'],
  ['lib/wire/planted.ts', 'node:buffer'],
  ['lib/topics/planted.ts', '../core/model.ts'],
  ['lib/client/planted.ts', '../admin/index.ts'],
  ['lib/client/planted.ts', '../core/model.ts'],
  ['lib/client/planted.ts', 'ws'],
  ['lib/bridge/planted.ts', '../mqtt/index.ts'],
  ['lib/bridge/planted.ts', '../broker/broker.ts'],
  ['lib/auth/planted.ts', '../broker/broker.ts'],
  ['lib/auth/planted.ts', '../store/tenants.ts'],
  ['lib/core/planted.ts', '../limits/usage.ts'],
  ['lib/core/planted.ts', '../auth/index.ts'],
  ['lib/limits/planted.ts', '../delivery/distribute.ts'],
  ['lib/delivery/planted.ts', '../sessions/outcome.ts'],
  ['lib/delivery/planted.ts', '@aws-sdk/client-dynamodb'],
  ['lib/sessions/planted.ts', '../broker/frame.ts'],
  ['lib/broker/planted.ts', '../../test/support/service.ts'],
  ['lib/broker/planted.ts', '../http/publish.ts'],
  ['lib/broker/handlers/planted.ts', '../../store/stores.ts'],
  ['lib/broker/handlers/planted.ts', '../../../functions/message.ts'],
  ['lib/http/planted.ts', '../admin/index.ts'],
  ['lib/admin/planted.ts', '../store/stores.ts'],
  ['lib/store/planted.ts', '../broker/broker.ts'],
  ['lib/aws/planted.ts', '../local/service.ts'],
  ['functions/planted.ts', 'aws-cdk-lib'],
  ['functions/planted.ts', '../cdk/settings.ts'],
  ['lib/local/planted.ts', '../cli/program.ts'],
  ['lib/local/gateway/planted.ts', '../../mqtt/index.ts'],
  ['lib/local/queue/planted.ts', '../service.ts'],
  ['lib/cli/planted.ts', '../../cdk/settings.ts'],
  ['cdk/planted.ts', '../lib/cli/program.ts'],
  ['test/mqtt/planted.ts', '../../lib/broker/broker.ts'],
  ['test/topics/planted.ts', '../support/service.ts'],
  ['test/broker/planted.ts', '../../lib/admin/index.ts'],
  // Ways around the text of the patterns.
  ['lib/auth/planted.ts', './../broker/broker.ts'],
  ['lib/auth/planted.ts', '../core/../broker/broker.ts'],
  ['lib/auth/planted.ts', '../auth/../broker/broker.ts'],
  ['lib/broker/handlers/planted.ts', '../handlers/../../store/stores.ts'],
  ['lib/auth/planted.ts', '/lib/broker/broker.ts'],
  ['lib/auth/planted.ts', '#lib/broker/broker.ts'],
] as const;

const packages = [
  '@aws-sdk/client-dynamodb',
  '@aws-lambda-powertools/logger',
  '@smithy/types',
  'aws-cdk-lib',
  'aws-cdk-lib/aws-sqs',
  'jose',
  'node:fs/promises',
  'node:net',
  'ws',
];

const statements = [
  (text: string) => `import '${text}';`,
  (text: string) => `import type { A } from '${text}';`,
  (text: string) => `export * from '${text}';`,
  (text: string) => `await import('${text}');`,
];

/** Imports by path of the importing file. The first line of a file holds the first import. */
const planted = new Map<string, string[]>();
const restricted = allRestricted();
/** Two files that import types of each other. */
const cycle = ['lib/core/chicken.ts', 'lib/core/egg.ts'] as const;

let scratch: string;
let found: Set<string>;
/** Of the rule against cycles: planted files import each other where one layer knows another's. */
let foundCycles: Set<string>;

function plant(file: string, imported: string): void {
  planted.set(file, [...(planted.get(file) ?? []), imported]);
}

/** Each form of statement at each import is too much: the forms take turns. */
function contentOf(imports: readonly string[]): string {
  return imports.map((imported, index) => `${statements[index % statements.length]?.(imported)}\n`).join('');
}

/** Files of a layer at each depth for which it has an allow-list. */
function importersIn(layer: Restricted): string[] {
  return pathsOf(layer).flatMap((path) =>
    isFile(path) ? [path] : ['', 'inner/', 'inner/inner/'].map((folder) => `${path}/${folder}each.ts`),
  );
}

/** Each other layer's files, as `importer` names them, and whether it may. */
function importsOfLayers(layer: Restricted, importer: string): { text: string; isAllowed: boolean }[] {
  return restricted
    .filter((other) => other !== layer)
    .flatMap((other) =>
      pathsOf(other).map((path) => {
        const text = posix.relative(posix.dirname(importer), isFile(path) ? path : `${path}/target.ts`);
        return {
          text: text.startsWith('.') ? text : `./${text}`,
          isAllowed: layer.knows.includes(other.name),
        };
      }),
    );
}

function isAllowedPackage({ packages: allowed }: Restricted, name: string): boolean {
  if (allowed === undefined) return true;
  return allowed.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one));
}

/** `file:line` of each import that Biome refuses, by rule. */
function lint(): Promise<Record<'imports' | 'cycles', Set<string>>> {
  const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
  const rules = ['--only=style/noRestrictedImports', '--only=suspicious/noImportCycles'];
  const options = [...rules, '--vcs-enabled=false', '--max-diagnostics=none'];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [biome, 'lint', ...options, '--reporter=github', '.'],
      { cwd: scratch, maxBuffer: 2 ** 26 },
      (_, stdout, stderr) => {
        const refusedBy = (rule: string) => {
          const lines = stdout.matchAll(new RegExp(`${rule},file=([^,]+),line=(\\d+),`, 'g'));
          return new Set(
            [...lines].map(([, file, line]) => `${posix.relative(scratch, file ?? '')}:${line}`),
          );
        };
        const imports = refusedBy('noRestrictedImports');
        if (imports.size === 0) reject(new Error(`Biome refused nothing: ${stdout}${stderr}`));
        else resolve({ imports, cycles: refusedBy('noImportCycles') });
      },
    );
  });
}

function isRefused(file: string, imported: string): boolean {
  const line = (planted.get(file)?.indexOf(imported) ?? -1) + 1;
  if (line === 0) throw new Error(`${imported} was not planted in ${file}`);
  return found.has(`${file}:${line}`);
}

beforeAll(async () => {
  for (const [file, imported] of forbidden) plant(file, imported);
  for (const layer of restricted)
    for (const importer of importersIn(layer)) {
      for (const { text } of importsOfLayers(layer, importer)) plant(importer, text);
      for (const name of packages) plant(importer, name);
      plant(importer, './own.ts');
    }
  scratch = await mkdtemp(`${tmpdir()}/wisp-layers-`);
  for (const file of ['biome.json', 'biome.layers.json']) await cp(root + file, `${scratch}/${file}`);
  for (const [file, imports] of planted) {
    await mkdir(`${scratch}/${dirname(file)}`, { recursive: true });
    await writeFile(`${scratch}/${file}`, contentOf(imports));
  }
  for (const [index, file] of cycle.entries())
    await writeFile(
      `${scratch}/${file}`,
      `import type { A } from './${posix.basename(cycle[1 - index] ?? '')}';\nexport type { A };\n`,
    );
  ({ imports: found, cycles: foundCycles } = await lint());
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('the linter', () => {
  test.each(forbidden)('refuses in %s an import of %s', (file, imported) => {
    expect(isRefused(file, imported)).toBe(true);
  });

  test.each(restricted.map((layer) => [layer.name, layer] as const))(
    'allows %s its imports only',
    (_, layer) => {
      const wrong = importersIn(layer).flatMap((importer) => [
        ...importsOfLayers(layer, importer)
          .filter(({ text, isAllowed }) => isRefused(importer, text) === isAllowed)
          .map(({ text, isAllowed }) => ({ importer, text, isAllowed })),
        ...packages
          .filter((text) => isRefused(importer, text) === isAllowedPackage(layer, text))
          .map((text) => ({ importer, text, isAllowed: isAllowedPackage(layer, text) })),
      ]);
      expect(wrong).toEqual([]);
    },
  );

  test('refuses a cycle of imports, even if all of them are type-only', () => {
    expect(cycle.filter((file) => foundCycles.has(`${file}:1`))).toEqual(cycle);
  });

  test('allows each folder its own files', () => {
    const folders = restricted.filter((layer) => !pathsOf(layer).some(isFile)).flatMap(importersIn);
    expect(folders.filter((importer) => isRefused(importer, './own.ts'))).toEqual([]);
  });
});
