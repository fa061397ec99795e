import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/**
 * Bundles a module of this folder, as `npm start` runs the service: tsx gives each function its
 * name when it is made, which takes a fifth of the broker's CPU. @returns the path of the bundle,
 * from which packages are found.
 */
export function built(path: string): string {
  const name = `${basename(path, '.ts')}-${process.pid}.mjs`;
  const outfile = fileURLToPath(new URL(`../../node_modules/.cache/wisp-bench/${name}`, import.meta.url));
  buildSync({
    entryPoints: [fileURLToPath(new URL(path, import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'silent',
  });
  return outfile;
}
