import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { bundleDeclarations, emitDeclarations } from './declarations.ts';
import { commonOptions, root } from './options.ts';

/**
 * Builds the entry point `wisp-mqtt/bridge`: `index.js` from `lib/bridge/index.ts`, and its
 * declarations. The package `ws` stays outside.
 *
 * @param outputDirectory replaces `dist/bridge`
 */
export async function buildBridge(outputDirectory = join(root, 'dist/bridge')): Promise<void> {
  await mkdir(outputDirectory, { recursive: true });
  await Promise.all([
    bundle({
      ...commonOptions,
      entryPoints: [join(root, 'lib/bridge/index.ts')],
      outdir: outputDirectory,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
    }),
    writeDeclarations(outputDirectory),
  ]);
}

async function writeDeclarations(outputDirectory: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'wisp-bridge-types-'));
  try {
    await emitDeclarations(['lib/bridge/index.ts'], scratch);
    const text = await bundleDeclarations(join(scratch, 'bridge/index.d.ts'), {});
    await writeFile(join(outputDirectory, 'index.d.ts'), text);
  } finally {
    await rm(scratch, { recursive: true });
  }
}
