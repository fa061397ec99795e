import type { Clock } from '../../lib/local/clock.ts';

export interface JumpingClock extends Clock {
  /**
   * Moves time on by `durationMs`, firing what falls due in order; `settle` is awaited after each, so that what it set off
   * takes the time that it takes.
   */
  jump(durationMs: number, settle: () => Promise<unknown>): Promise<void>;
}

/** Beyond the deadline by which every new connection must have sent CONNECT: its timer is not measured with what follows. */
export const afterDeadlinesMs = 60_000;

/** The system's clock, which can also be set forward: hours pass in a moment, and milliseconds still last. */
export function createJumpingClock(): JumpingClock {
  let offsetMs = 0;
  const timers = new Set<{ readonly dueMs: number; fire(): void }>();
  const now = (): number => Date.now() + offsetMs;
  const earliest = () => {
    let first: { readonly dueMs: number; fire(): void } | undefined;
    for (const timer of timers) if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    return first;
  };
  return {
    now,
    schedule(callback, delayMs) {
      const cancel = (): void => {
        clearTimeout(handle);
        timers.delete(timer);
      };
      const fire = (): void => {
        cancel();
        callback();
      };
      const handle = setTimeout(fire, Math.min(Math.max(0, delayMs), 2 ** 31 - 1));
      handle.unref();
      const timer = { dueMs: now() + delayMs, fire };
      timers.add(timer);
      return cancel;
    },
    async jump(durationMs, settle) {
      const untilMs = now() + durationMs;
      for (;;) {
        await settle();
        const next = earliest();
        if (next === undefined || next.dueMs > untilMs) break;
        offsetMs += Math.max(0, next.dueMs - now());
        next.fire();
        await new Promise(setImmediate);
      }
      offsetMs += Math.max(0, untilMs - now());
    },
  };
}
