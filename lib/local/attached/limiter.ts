import type { ReasonName } from '../../core/reasons.ts';

/** The limiter was closed before the task ran. */
export class ClosedError extends Error {
  readonly code = 'closed' satisfies ReasonName;
  override readonly name = 'ClosedError';
}

export interface Limiter {
  /** Runs `task` in order of arrival. @throws ClosedError */
  run<Result>(task: () => Promise<Result>): Promise<Result>;
  /** Rejects waiting and later tasks. Resolves when all running tasks have ended. */
  close(): Promise<void>;
}

/** Runs at most `max` tasks concurrently. */
export function createLimiter(max: number): Limiter {
  let waiting: ((start: boolean) => void)[] = [];
  let running = 0;
  let closed = false;
  let idle = () => {};

  function leave(): void {
    // The next task takes over this slot, so `running` does not change.
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next(true);
    if (running === 0) idle();
  }

  return {
    async run(task) {
      if (closed) throw new ClosedError('closing');
      if (running < max) running += 1;
      else if (!(await new Promise<boolean>((resolve) => waiting.push(resolve))))
        throw new ClosedError('closing');
      try {
        return await task();
      } finally {
        leave();
      }
    },

    async close() {
      closed = true;
      const refused = waiting;
      waiting = [];
      for (const refuse of refused) refuse(false);
      if (running > 0)
        await new Promise<void>((resolve) => {
          idle = resolve;
        });
    },
  };
}
