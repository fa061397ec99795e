import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build as bundle, type Metafile } from 'esbuild';
import { mqttjsForPage } from './mqttjs-for-page.ts';
import { commonOptions, root } from './options.ts';

/** Directory of generated names within the page, which browsers may keep. */
const chunkDirectory = 'chunks';

/**
 * Builds the console: `index.html`, `main.js` and `main.css`, and one chunk for each page and for
 * what only some pages need (plots, the MQTT client).
 *
 * @param outputDirectory replaces `dist/console`
 * @returns what each file consists of
 */
export async function buildConsole(outputDirectory = join(root, 'dist/console')): Promise<Metafile> {
  await mkdir(outputDirectory, { recursive: true });
  const { metafile } = await bundle({
    ...commonOptions,
    entryPoints: [join(root, 'console/main.tsx'), join(root, 'console/theme.ts')],
    outdir: outputDirectory,
    format: 'esm',
    platform: 'browser',
    // As wisp-mqtt-client: browsers since 2021.
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    splitting: true,
    minify: true,
    chunkNames: `${chunkDirectory}/[name]-[hash]`,
    define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    plugins: [mqttjsForPage],
    metafile: true,
  });
  await removeOtherChunks(join(outputDirectory, chunkDirectory), Object.keys(metafile.outputs));
  for (const name of ['index.html', 'icon.svg'])
    await copyFile(join(root, 'console', name), join(outputDirectory, name));
  return metafile;
}

async function removeOtherChunks(directory: string, outputs: readonly string[]): Promise<void> {
  for (const name of await readdir(directory).catch(() => []))
    if (!outputs.some((path) => path.endsWith(`${chunkDirectory}/${name}`))) await rm(join(directory, name));
}
