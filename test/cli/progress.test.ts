import { expect, it } from 'vitest';
import { progressOf } from '../../lib/cli/progress.ts';
import { recordingTerminal } from './service.ts';

it('tells of the progress every 5 seconds at most, on standard error', () => {
  const terminal = recordingTerminal();
  let nowMs = 1_000;
  const tell = progressOf(terminal, () => nowMs);
  for (let step = 1; step <= 12; step += 1) {
    nowMs += 1_000;
    tell((seconds) => `step ${step} after ${seconds} s`);
  }
  expect(terminal.stderr).toEqual(['step 5 after 5 s', 'step 10 after 10 s']);
  expect(terminal.stdout).toEqual([]);
});
