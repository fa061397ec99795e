/** The READMEs of the packages: whoever has only the tarball can follow their links. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, it } from 'vitest';
import { repository } from './pages.ts';

it.each(['.', 'lib/client'])('every link of the README of %s leads to a file of its package', (directory) => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
    cwd: join(repository, directory),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [packed] = JSON.parse(output) as { readonly files: readonly { readonly path: string }[] }[];
  const files = new Set(packed?.files.map(({ path }) => path));
  const readme = readFileSync(join(repository, directory, 'README.md'), 'utf8');
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) =>
    posix.normalize(link),
  );
  expect(links.filter((link) => !files.has(link))).toEqual([]);
  expect(files.has('README.md')).toBe(true);
});
