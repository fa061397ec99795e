import type { Clock } from '../../lib/local/clock.ts';

export interface JumpingClock extends Clock {
  /**
   * Advances the time by `durationMs` and fires the timers that fall due, in order. Awaits `settle`
   * before each timer, so that the work of the previous one runs in real time.
   */
  jump(durationMs: number, settle: () => Promise<unknown>): Promise<void>;
}

/**
 * Longer than the CONNECT deadline of a new connection, so that its timer is not measured later.
 */
export const afterDeadlinesMs = 60_000;

/** Creates a real-time clock that can also jump ahead, so that hours can be measured in seconds. */
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
