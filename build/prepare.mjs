/**
 * Builds the packages of a clone, and first installs the development dependencies if they are
 * missing: `npm install /path/to/clone` links the clone and runs its `prepare` script, but installs
 * nothing in it.
 *
 * usage: node build/prepare.mjs [client]
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

// The options of the surrounding npm, such as --global or --omit=dev, are not for this
// installation.
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^npm_config_(global|location|prefix|local_prefix|omit|include|dry_run|workspaces?|production)$/i.test(
        name,
      ),
  ),
);

function run(...args) {
  const { status, error } = spawnSync('npm', args, {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(`${root}/node_modules/esbuild`)) {
  run('ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund');
}
run('run', '--silent', 'build', '--', ...process.argv.slice(2));
