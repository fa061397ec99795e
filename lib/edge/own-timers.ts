import type { ConnectionAddress } from '../core/model.ts';
import type { Ports } from '../core/ports.ts';
import type { ScheduledTimer, Timers } from '../core/timers.ts';

/** How often due timers are handled, in milliseconds. */
const tickMs = 250;
/** Time after which a timer that failed is handled again, in milliseconds. */
const retryAfterMs = 5_000;

export interface OwnTimers extends Timers {
  /** Hands over the timers that are due, until {@link stop}. */
  start(handle: (due: readonly ScheduledTimer[]) => Promise<PromiseSettledResult<void>[]>): void;
  stop(): void;
  /** Timers that wait. */
  readonly size: number;
}

/**
 * Timers of connections whose sockets this process holds: they end with the process, like the
 * connections, so they stay in memory. All others go to the queue.
 *
 * Timers wait in buckets of {@link tickMs}, so scheduling one and handling it cost the same
 * whatever their number. None is early.
 */
export function keepOwnTimers(
  { timers: queued, clock, log }: Pick<Ports, 'timers' | 'clock' | 'log'>,
  isOwn: (address: ConnectionAddress) => boolean,
): OwnTimers {
  const { nowMs } = clock;
  const buckets = new Map<number, ScheduledTimer[]>();
  let size = 0;
  let nextTick = Math.floor(nowMs() / tickMs);
  let interval: NodeJS.Timeout | undefined;

  function keep(scheduled: ScheduledTimer): void {
    const tick = Math.max(nextTick, Math.ceil(scheduled.dueAtMs / tickMs));
    const bucket = buckets.get(tick);
    if (bucket === undefined) buckets.set(tick, [scheduled]);
    else bucket.push(scheduled);
    size += 1;
  }

  function isOwnTimer({ timer }: ScheduledTimer): boolean {
    if (timer.kind === 'connections') return timer.addresses.every(isOwn);
    return (
      (timer.kind === 'authentication-deadline' ||
        timer.kind === 'token-expiry' ||
        timer.kind === 'sender') &&
      isOwn(timer.address)
    );
  }

  function takeDue(): ScheduledTimer[] {
    const due: ScheduledTimer[] = [];
    for (const last = Math.floor(nowMs() / tickMs); nextTick <= last; nextTick += 1) {
      due.push(...(buckets.get(nextTick) ?? []));
      buckets.delete(nextTick);
    }
    size -= due.length;
    return due;
  }

  return {
    async schedule(timer, dueAtMs) {
      if (isOwnTimer({ timer, dueAtMs })) keep({ timer, dueAtMs });
      else await queued.schedule(timer, dueAtMs);
    },
    async scheduleAll(timers) {
      const others = timers.filter((scheduled) => !isOwnTimer(scheduled));
      if (others.length > 0) await queued.scheduleAll(others);
      for (const scheduled of timers) if (isOwnTimer(scheduled)) keep(scheduled);
    },
    start(handle) {
      interval = setInterval(async () => {
        const due = takeDue();
        if (due.length === 0) return;
        const outcomes = await handle(due).catch((reason): PromiseSettledResult<void>[] =>
          due.map(() => ({ status: 'rejected', reason })),
        );
        for (const [index, { status }] of outcomes.entries()) {
          const scheduled = due[index];
          if (status === 'fulfilled' || scheduled === undefined) continue;
          log.warn('timer failed', { kind: scheduled.timer.kind });
          keep({ ...scheduled, dueAtMs: nowMs() + retryAfterMs });
        }
      }, tickMs);
    },
    stop() {
      clearInterval(interval);
    },
    get size() {
      return size;
    },
  };
}
