import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BuildOptions, build as bundle } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What package.json promises: `bin`, and for each subpath of `exports` where its code and its types are. */
interface PackageJson {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

/** A file that package.json names, and the source it is made of. */
interface Entry {
  readonly source: string;
  readonly output: string;
}

/**
 * Makes what package.json names: the command, and every subpath of `exports` with its types. `dist/a/b.d.ts` is
 * made of `lib/a/b.ts`, and the code beside it of the same source. Dependencies stay outside of the bundles.
 *
 * @param outputDirectory takes the place of `dist`.
 */
export async function build(outputDirectory = join(root, 'dist')): Promise<void> {
  const { bin, exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as PackageJson;
  const commands = Object.entries(bin).map(([name, output]) => ({ source: `lib/cli/${name}.ts`, output }));
  const libraries = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [] : [{ source: sourceOf(target.types), output: target.default }],
  );
  await mkdir(outputDirectory, { recursive: true });
  await Promise.all([
    buildCommands(commands, outputDirectory),
    ...libraries.map((library) => buildLibrary(library, outputDirectory)),
    emitTypes(libraries, outputDirectory),
  ]);
}

function sourceOf(types: string): string {
  return types.replace(/^\.\/dist\//, 'lib/').replace(/\.d\.ts$/, '.ts');
}

/** ES modules split at dynamic imports, so that `wisp token` does not load the AWS SDK. */
async function buildCommands(commands: readonly Entry[], outputDirectory: string): Promise<void> {
  const chunkDirectory = 'wisp';
  const { metafile } = await bundle({
    ...common,
    entryPoints: commands.map(({ source, output }) => ({ in: source, out: nameOf(output) })),
    outdir: outputDirectory,
    platform: 'node',
    target: 'node20',
    packages: 'external',
    splitting: true,
    chunkNames: `${chunkDirectory}/[name]-[hash]`,
    metafile: true,
  });
  const written = new Set(Object.keys(metafile.outputs).map((path) => resolve(root, path)));
  for (const name of await readdir(join(outputDirectory, chunkDirectory)).catch(() => [])) {
    const path = join(outputDirectory, chunkDirectory, name);
    if (!written.has(path)) await rm(path);
  }
  // npm sets the mode of `bin` files when it links them, but not when it builds them.
  for (const { output } of commands) await chmod(join(outputDirectory, `${nameOf(output)}.js`), 0o755);
}

/** One small file each. ES2022 (browsers since 2021): older targets replace private fields, a fifth of the adapter's size. */
async function buildLibrary({ source, output }: Entry, outputDirectory: string): Promise<void> {
  await bundle({
    ...common,
    entryPoints: [{ in: source, out: nameOf(output) }],
    outdir: outputDirectory,
    platform: 'neutral',
    target: 'es2022',
    packages: 'external',
    minify: true,
  });
}

const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'silent',
} as const satisfies BuildOptions;

function nameOf(output: string): string {
  return relative('dist', output).replace(/\.js$/, '');
}

/** Types of the libraries and of what they import, beside each other as in `lib`. */
async function emitTypes(libraries: readonly Entry[], outputDirectory: string): Promise<void> {
  const options = [
    ['--outDir', outputDirectory],
    ['--rootDir', 'lib'],
    ['--target', 'ES2023'],
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
  const sources = libraries.map(({ source }) => source);
  await promisify(execFile)(process.execPath, [compiler, ...sources, ...options, ...flags], { cwd: root });
}

/** esbuild's and tsc's own messages, which name file and line; nothing of ours around them. */
function describe(error: unknown): string {
  if (error === null || typeof error !== 'object') return String(error);
  if ('errors' in error && Array.isArray(error.errors)) {
    return error.errors
      .map(({ text, location }: { text: string; location: { file: string; line: number } | null }) =>
        location === null ? text : `${location.file}:${location.line}: ${text}`,
      )
      .join('\n');
  }
  if ('stdout' in error && typeof error.stdout === 'string' && error.stdout !== '')
    return error.stdout.trim();
  return error instanceof Error ? error.message : String(error);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build().catch((error: unknown) => {
    console.error(`build: ${describe(error)}`);
    process.exitCode = 1;
  });
}
