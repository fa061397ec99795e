import type { Log } from '../core/ports.ts';
import type { Counted } from './counters.ts';

/** The same log, which also keeps what it counts, for `/metrics`. */
export function countingLog<L extends Log>(log: L): L & Counted {
  const counters = new Map<string, number>();
  const refusals = new Map<string, number>();
  const add = (sums: Map<string, number>, name: string, value: number): void => {
    sums.set(name, (sums.get(name) ?? 0) + value);
  };
  return {
    ...log,
    counters,
    refusals,
    count(metric, value = 1) {
      add(counters, metric, value);
      log.count(metric, value);
    },
    countRefusal(code, value = 1) {
      add(refusals, code, value);
      log.countRefusal(code, value);
    },
  };
}
