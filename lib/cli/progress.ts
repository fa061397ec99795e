import type { Terminal } from './terminal.ts';

/** Commands that end before this say nothing of their progress. */
const tellEveryMs = 5_000;

/**
 * The progress of a command that may run long: a line on standard error every 5 seconds at most, on
 * a terminal or not, so that logs have it too.
 *
 * @returns a function to call at each step; `line` is made only when it is told
 */
export function progressOf(terminal: Terminal, nowMs: () => number = () => performance.now()) {
  const startMs = nowMs();
  let toldMs = startMs;
  return (line: (seconds: number) => string): void => {
    const ms = nowMs();
    if (ms - toldMs < tellEveryMs) return;
    toldMs = ms;
    terminal.err(line(Math.round((ms - startMs) / 1_000)));
  };
}
