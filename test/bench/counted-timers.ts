import type { Timers } from '../../lib/core/timers.ts';

/** Timers that tell how many are scheduled, before they are. */
export function countedTimers(timers: Timers, onScheduled: (count: number) => void): Timers {
  return {
    async schedule(timer, dueAtMs) {
      onScheduled(1);
      await timers.schedule(timer, dueAtMs);
    },
    async scheduleAll(list) {
      onScheduled(list.length);
      await timers.scheduleAll(list);
    },
  };
}
