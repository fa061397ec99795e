import type { Connection, ConnectionAddress } from '../core/model.ts';
import type { ScheduledTimer } from '../core/timers.ts';

/** Connections that one process remembers; the oldest are forgotten. */
const maxRemembered = 50_000;
/**
 * A look that arrives later than this before the scheduled one, in milliseconds, is another chain.
 * SQS delivers no message early, so this covers clocks only.
 */
const marginMs = 5_000;

/**
 * Time for which a row that has been read serves further looks, in milliseconds. What changes
 * meanwhile is read before a look acts on it: a renewed token, a noted frame. Another process may
 * have begun to watch the connection: then a dead client whose few messages are farther apart than
 * those of a busy topic is found later by up to this time (lib/sessions/silence.ts).
 */
const rowMaxAgeMs = 900_000;

/**
 * The next look of connections, as far as this process has scheduled it, and their rows as it has
 * read them.
 */
export interface LookMemory {
  /** Whether this process has scheduled a later look: one that arrives now is a duplicate. */
  isScheduled(address: ConnectionAddress, nowMs: number): boolean;
  /** Call it when the queue has taken the timers. */
  remember(timers: readonly ScheduledTimer[]): void;
  /** A row at most {@link rowMaxAgeMs} old. A look forgets that of a watched connection. */
  row(address: ConnectionAddress, nowMs: number): Connection | undefined;
  rememberRow(row: Connection, nowMs: number): void;
  forgetRow(address: ConnectionAddress): void;
}

/**
 * Ends chains that a duplicate has started. SQS may deliver a message twice, and a handler that
 * dies after it has sent its timers gets its messages again. Both would leave two chains for a
 * connection, each with its own looks. All look at the same slot, so they arrive together: those
 * of one batch are merged, and a process drops those for which it has scheduled the next look.
 * Two chains thus last only as long as different processes get them each time.
 */
export function createLookMemory(): LookMemory {
  const dueAtMsOf = new Map<ConnectionAddress, number>();
  const rows = new Map<ConnectionAddress, { readonly row: Connection; readonly readAtMs: number }>();
  return {
    isScheduled(address, nowMs) {
      const dueAtMs = dueAtMsOf.get(address);
      return dueAtMs !== undefined && dueAtMs - nowMs > marginMs;
    },
    remember(timers) {
      for (const { timer, dueAtMs } of timers) {
        if (timer.kind !== 'connections') continue;
        for (const address of timer.addresses) {
          dueAtMsOf.delete(address);
          dueAtMsOf.set(address, dueAtMs);
        }
      }
      for (const oldest of dueAtMsOf.keys()) {
        if (dueAtMsOf.size <= maxRemembered) return;
        dueAtMsOf.delete(oldest);
      }
    },
    row(address, nowMs) {
      const known = rows.get(address);
      return known !== undefined && nowMs - known.readAtMs < rowMaxAgeMs ? known.row : undefined;
    },
    rememberRow(row, nowMs) {
      rows.delete(row.address);
      rows.set(row.address, { row, readAtMs: nowMs });
      const [oldest] = rows.keys();
      if (rows.size > maxRemembered && oldest !== undefined) rows.delete(oldest);
    },
    forgetRow(address) {
      rows.delete(address);
    },
  };
}
