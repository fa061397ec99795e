import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { root } from './options.ts';

/**
 * Writes the declarations of `sources` and of everything they import to `outputDirectory`, laid out
 * as in `sourceRoot`.
 */
export async function emitDeclarations(
  sources: readonly string[],
  outputDirectory: string,
  sourceRoot = 'lib',
): Promise<void> {
  const options = [
    ['--outDir', outputDirectory],
    ['--rootDir', sourceRoot],
    ['--target', 'ES2022'],
    ['--lib', 'ES2023'],
    ['--module', 'NodeNext'],
    ['--types', 'node'],
  ].flat();
  const flags = [
    '--ignoreConfig',
    '--declaration',
    '--emitDeclarationOnly',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--allowImportingTsExtensions',
    '--skipLibCheck',
  ];
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );
  await promisify(execFile)(process.execPath, [compiler, ...sources, ...options, ...flags], { cwd: root });
}

/**
 * Joins a declaration file and the relative files that it imports into one self-contained text.
 * Declarations must have different names in all of them. The entry file may only re-export from
 * relative files; its own declarations stay as they are.
 *
 * @param external relative specifiers that stay imports, with the specifier to write
 */
export async function bundleDeclarations(
  entry: string,
  external: Readonly<Record<string, string>>,
): Promise<string> {
  const outside = new Set<string>();
  const declarations: string[] = [];
  const seen = new Set<string>();

  async function add(path: string, isEntry: boolean): Promise<void> {
    if (seen.has(path)) return;
    seen.add(path);
    const lines: string[] = [];
    for (const statement of splitStatements(await readFile(path, 'utf8'))) {
      const specifier = /^(?:import|export)\b[^'"]*\bfrom '([^']+)';$/.exec(withoutComments(statement))?.[1];
      if (specifier === undefined) {
        if (statement !== 'export {};') lines.push(isEntry ? statement : statement.replace(/^export /m, ''));
      } else if (specifier in external || !specifier.startsWith('.')) {
        outside.add(statement.replace(specifier, external[specifier] ?? specifier));
      } else {
        await add(resolve(dirname(path), specifier.replace(/\.ts$/, '.d.ts')), false);
        if (/^export/m.test(statement)) lines.push(statement.replace(/ from '.*$/, ';'));
      }
    }
    declarations.push(...lines);
  }

  await add(entry, true);
  return `${[...mergedImports(outside), ...withoutUnused(declarations)].join('\n')}\n`;
}

/** Named imports of one package in one statement: files that import the same name may meet. */
function mergedImports(statements: Iterable<string>): string[] {
  const names = new Map<string, Set<string>>();
  const others: string[] = [];
  for (const statement of statements) {
    const [, list, specifier] =
      /^import (?:type )?\{ (.*) \} from '(.+)';$/.exec(withoutComments(statement)) ?? [];
    if (list === undefined || specifier === undefined) {
      others.push(statement);
      continue;
    }
    const known = names.get(specifier) ?? new Set();
    for (const name of list.split(', ')) known.add(name.replace(/^type /, ''));
    names.set(specifier, known);
  }
  return [
    ...others,
    ...[...names].map(
      ([specifier, known]) => `import type { ${[...known].join(', ')} } from '${specifier}';`,
    ),
  ];
}

/** Drops constants that no other declaration and no export names. */
function withoutUnused(declarations: readonly string[]): string[] {
  const codes = declarations.map(withoutComments);
  return declarations.filter((_declaration, index) => {
    const name = /^declare const (\w+)/.exec(codes[index] ?? '')?.[1];
    return name === undefined || codes.some((code, other) => other !== index && code.includes(name));
  });
}

/**
 * Top-level statements with the comments before them. tsc ends each at a line that begins without
 * indentation.
 */
function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let current: string[] = [];
  for (const line of text.trimEnd().split('\n')) {
    current.push(line);
    if (!/^[^\s/]/.test(line) || !/[;}]$/.test(line)) continue;
    statements.push(current.join('\n'));
    current = [];
  }
  return statements;
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').trimStart();
}
