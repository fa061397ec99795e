/**
 * Time as the emulators see it, so that tests move it instead of sleeping. Distinct from the functions' own
 * clock: this one also fires timers.
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once after `delayMs`; the returned function cancels. The system clock's timers do not keep the process alive. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** Longest delay of Node's setTimeout; more would fire at once. */
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
  /** Moves time on by `durationMs`, firing what falls due in order, timers set meanwhile included. */
  advance(durationMs: number): Promise<void>;
}

/** A clock that stands still until it is told to move. */
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
        // What the callback awaits in memory gets its turn before time goes on.
        await new Promise(setImmediate);
      }
      nowMs = untilMs;
    },
  };
}
