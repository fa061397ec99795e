import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';

/** Root of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** esbuild options of every package. */
export const commonOptions = {
  absWorkingDir: root,
  bundle: true,
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'silent',
} as const satisfies BuildOptions;
