/**
 * The emulators' clock. Tests advance it instead of sleeping. Unlike the functions' clock it also
 * fires timers.
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Calls back once after `delayMs`. The system clock's timers do not keep the process alive.
   *
   * @returns a function that cancels the timer.
   */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** Longest delay of Node's setTimeout, which fires longer ones at once. */
const maxTimeoutMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(callback, delayMs) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), maxTimeoutMs));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export interface ManualClock extends Clock {
  /** Advances by `durationMs` and fires all due timers in order, including those set meanwhile. */
  advance(durationMs: number): Promise<void>;
}

/** A clock that only moves when `advance` is called. */
export function createManualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs;
  const timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();

  const nextDue = (untilMs: number) =>
    [...timers].filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];

  return {
    now: () => nowMs,
    schedule(callback, delayMs) {
      const timer = { dueMs: nowMs + Math.max(0, delayMs), callback };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    async advance(durationMs) {
      const untilMs = nowMs + durationMs;
      for (let timer = nextDue(untilMs); timer; timer = nextDue(untilMs)) {
        timers.delete(timer);
        nowMs = Math.max(nowMs, timer.dueMs);
        timer.callback();
        // Lets the callback's promises settle before time advances further.
        await new Promise(setImmediate);
      }
      nowMs = untilMs;
    },
  };
}
