import type { Terminal } from './terminal.ts';

/**
 * Signals within this time count as one: the terminal sends Ctrl-C to the whole process group, and
 * npm may forward it as well.
 */
const sameSignalMs = 1_000;
const parentCheckMs = 500;

/**
 * Resolves on the first SIGINT or SIGTERM; a later one ends the process at once. Under `npm start`
 * it also resolves when the shell between npm and this process ends, because npm sends SIGTERM only
 * to that shell.
 *
 * @param over ends the waiting without a result, for a command that ends by itself
 */
export function untilAskedToStop(terminal: Terminal, over?: AbortSignal): Promise<void> {
  return new Promise((done) => {
    let askedAtMs: number | undefined;
    const onSignal = (signal: NodeJS.Signals) => {
      if (askedAtMs !== undefined && performance.now() - askedAtMs < sameSignalMs) return;
      if (askedAtMs !== undefined) process.exit(signal === 'SIGINT' ? 130 : 143);
      askedAtMs = performance.now();
      terminal.err('Closing. Press Ctrl-C again to stop at once.');
      done();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    over?.addEventListener('abort', () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    });
    if (process.env.npm_lifecycle_event === undefined) return;
    const parent = process.ppid;
    const check = () => {
      if (process.ppid !== parent) done();
    };
    setInterval(check, parentCheckMs).unref();
  });
}
