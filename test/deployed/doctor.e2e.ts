import { expect, inject, it } from 'vitest';
import { findingLine } from '../../lib/cli/doctor/finding.ts';
import { diagnose } from '../../lib/cli/doctor/index.ts';

it('is found well by "wisp doctor"', async () => {
  const { url, options } = inject('deployed');
  const lines: string[] = [];
  for await (const finding of diagnose({ ...options, url })) lines.push(findingLine(finding));
  console.log(lines.join('\n'));
  expect(lines.filter((line) => line.startsWith('failed') && !/^failed +alarm mail/.test(line))).toEqual([]);
  expect(lines.filter((line) => line.startsWith('ok')).length).toBeGreaterThanOrEqual(10);
  // A timer that fails on a slow emulator is tried again after three minutes.
}, 360_000);
