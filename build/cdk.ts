import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { aliases, define, fromRuntime, mainFields } from '../cdk/bundling.ts';
import { functionFile } from '../cdk/function-source.ts';
import { allFunctionNames } from '../cdk/settings.ts';
import { bundleDeclarations, emitDeclarations } from './declarations.ts';
import { buildEdge } from './edge.ts';
import { commonOptions, root } from './options.ts';

/**
 * Builds the entry point `wisp-mqtt/cdk`: `index.js` from `cdk/index.ts` with its declarations, and
 * beside it a bundle of each function and of the edge, so that an app needs no bundler to
 * synthesise. The AWS CDK stays outside.
 *
 * @param outputDirectory replaces `dist/cdk`
 */
export async function buildCdk(outputDirectory = join(root, 'dist/cdk')): Promise<void> {
  await mkdir(outputDirectory, { recursive: true });
  await Promise.all([
    bundle({
      ...commonOptions,
      entryPoints: [join(root, 'cdk/index.ts')],
      outdir: outputDirectory,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
    }),
    bundleFunctions(join(outputDirectory, 'functions')),
    buildEdge(join(outputDirectory, 'edge')),
    writeDeclarations(outputDirectory),
  ]);
}

/** The same bundles that CDK makes in the repository (cdk/bundling.ts). */
async function bundleFunctions(outputDirectory: string): Promise<void> {
  await bundle({
    ...commonOptions,
    entryPoints: allFunctionNames
      .map(functionFile)
      .map((file) => ({ in: `functions/${file}.ts`, out: `${file}/index` })),
    outdir: outputDirectory,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    minify: true,
    mainFields: [...mainFields],
    external: [...fromRuntime],
    alias: aliases,
    define,
  });
}

async function writeDeclarations(outputDirectory: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'wisp-cdk-types-'));
  try {
    await emitDeclarations(['cdk/index.ts'], scratch, '.');
    const text = await bundleDeclarations(join(scratch, 'cdk/index.d.ts'), {});
    await writeFile(join(outputDirectory, 'index.d.ts'), text);
  } finally {
    await rm(scratch, { recursive: true });
  }
}
