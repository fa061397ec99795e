import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { build as bundle } from 'esbuild';
import { commonOptions, root } from './options.ts';

/** A file that package.json names, and its source. */
interface Entry {
  readonly source: string;
  readonly output: string;
}

/**
 * Builds every command in `bin` of package.json: `dist/FILE.js` from `lib/cli/FILE.ts`.
 * Dependencies stay outside the bundle. ES modules are split at dynamic imports, so that `wisp
 * token` does not load the AWS SDK.
 *
 * @param outputDirectory replaces `dist`
 */
export async function buildCommands(outputDirectory = join(root, 'dist')): Promise<void> {
  const commands = await readCommands();
  const chunkDirectory = 'wisp';
  await mkdir(outputDirectory, { recursive: true });
  const { metafile } = await bundle({
    ...commonOptions,
    entryPoints: commands.map(({ source, output }) => ({ in: source, out: output })),
    outdir: outputDirectory,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    splitting: true,
    chunkNames: `${chunkDirectory}/[name]-[hash]`,
    metafile: true,
  });
  await removeStaleChunks(join(outputDirectory, chunkDirectory), Object.keys(metafile.outputs));
  // npm sets the mode of `bin` files when it links them, but not when it builds them.
  for (const { output } of commands) await chmod(join(outputDirectory, `${output}.js`), 0o755);
}

async function readCommands(): Promise<Entry[]> {
  const { bin } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>;
  };
  // Two names may run one file.
  const outputs = new Set(Object.values(bin).map((path) => relative('dist', path).replace(/\.js$/, '')));
  return [...outputs].map((output) => ({ source: `lib/cli/${output}.ts`, output }));
}

async function removeStaleChunks(directory: string, outputs: readonly string[]): Promise<void> {
  const current = new Set(outputs.map((path) => resolve(root, path)));
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    if (!current.has(path)) await rm(path);
  }
}
