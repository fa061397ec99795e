import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { aliases, mainFields } from '../cdk/bundling.ts';
import { commonOptions, root } from './options.ts';

/** Some packages are CommonJS, and ask for Node's own modules with `require`. */
const banner = "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);";

/** Those of the functions, but a container gets its credentials over HTTP, with the whole chain. */
const { '@aws-sdk/credential-provider-node': _, ...edgeAliases } = aliases;

/**
 * Builds `edge.mjs` from `lib/edge/main.ts`: the process that a task of the edge runs, in one file
 * with all packages. The same source gives the same bytes, so that an unchanged process
 * is not deployed again.
 *
 * @param outputDirectory replaces `dist/cdk/edge`
 */
export async function buildEdge(outputDirectory = join(root, 'dist/cdk/edge')): Promise<void> {
  await mkdir(outputDirectory, { recursive: true });
  await bundle({
    ...commonOptions,
    entryPoints: [join(root, 'lib/edge/main.ts')],
    outfile: join(outputDirectory, 'edge.mjs'),
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minify: true,
    mainFields: [...mainFields],
    alias: edgeAliases,
    // Faster versions in machine code, which `ws` uses where they are installed.
    external: ['bufferutil', 'utf-8-validate'],
    banner: { js: banner },
  });
}
