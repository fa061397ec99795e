import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import type { Rooms } from './rooms.ts';

/**
 * Upper limits for the files of the service that one operation enters. Lower them when a way gets
 * shorter.
 */
const limits = [
  ['QoS 0 PUBLISH', 48],
  ['QoS 1 PUBLISH', 55],
  ['CONNECT, first of its tenant', 69],
] as const;

let measured: Readonly<Record<string, Rooms>>;
beforeAll(async () => {
  // In a process of its own, because Vitest wraps the functions of each module.
  const script = fileURLToPath(new URL('rooms.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, '--json']);
  measured = JSON.parse(stdout);
});

test.each(limits)('%s enters at most %i files', (operation, limit) => {
  const files = Object.keys(measured[operation] ?? {});
  expect(files.length).toBeGreaterThan(10);
  expect(files.length, files.join('\n')).toBeLessThanOrEqual(limit);
});
