import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build as bundle, type Format, type Plugin } from 'esbuild';
import { bundleDeclarations, emitDeclarations } from './declarations.ts';
import { commonOptions, root } from './options.ts';

const clientDirectory = join(root, 'lib/client');

/** Entry points: `.`, `./node`, both forms of `./connect`, `./paho` and `./react`. */
const entries = ['index', 'node', 'connect', 'connect-node', 'paho', 'react'] as const;

/** Those that others import, so that all export the same classes. */
const shared = ['index', 'node'] as const;

/** File extensions of each module format, for code and for types. */
const formats = [
  { format: 'esm', code: 'js', types: 'd.ts' },
  { format: 'cjs', code: 'cjs', types: 'd.cts' },
] as const;

/**
 * Builds the package `wisp-mqtt-client`: one file per entry point and module format in `dist`, and
 * one declaration file beside each. What entries use of `lib/wire` and `lib/topics` is part of the
 * bundles. Entries import each other where one needs another, so that all export the same classes.
 *
 * @param packageDirectory receives `dist` and `LICENSE`
 */
export async function buildClient(packageDirectory = clientDirectory): Promise<void> {
  const outputDirectory = join(packageDirectory, 'dist');
  await mkdir(outputDirectory, { recursive: true });
  await Promise.all([
    ...formats.map(({ format, code }) => bundleEntries(outputDirectory, format, code)),
    writeDeclarations(outputDirectory),
    copyFile(join(root, 'LICENSE'), join(packageDirectory, 'LICENSE')),
  ]);
}

/**
 * ES2022 (browsers since 2021): an older target rewrites private fields, which adds a fifth to the
 * size.
 */
async function bundleEntries(outputDirectory: string, format: Format, extension: string): Promise<void> {
  await bundle({
    ...commonOptions,
    entryPoints: entries.map((name) => join(clientDirectory, `${name}.ts`)),
    outdir: outputDirectory,
    outExtension: { '.js': `.${extension}` },
    format,
    platform: 'neutral',
    target: 'es2022',
    packages: 'external',
    minify: true,
    // lib/wire/base64.ts then leaves out its path for Node: most platforms of the adapter lack
    // Buffer.
    define: { 'globalThis.Buffer': 'undefined' },
    plugins: [externalEntries(extension)],
  });
}

function externalEntries(extension: string): Plugin {
  return {
    name: 'external-entries',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\/(index|node)\.ts$/ }, ({ path, kind }) =>
        kind === 'entry-point' ? undefined : { path: path.replace(/ts$/, extension), external: true },
      );
    },
  };
}

async function writeDeclarations(outputDirectory: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'wisp-client-types-'));
  try {
    await emitDeclarations(
      entries.map((name) => `lib/client/${name}.ts`),
      scratch,
    );
    for (const { code, types } of formats) {
      for (const name of entries) {
        const text = await bundleDeclarations(
          join(scratch, `client/${name}.d.ts`),
          Object.fromEntries(shared.map((other) => [`./${other}.ts`, `./${other}.${code}`])),
        );
        await writeFile(join(outputDirectory, `${name}.${types}`), text);
      }
    }
  } finally {
    await rm(scratch, { recursive: true });
  }
}
