import type { SenderWatch } from '../core/context.ts';
import type { ConnectionAddress } from '../core/model.ts';
import type { Ports } from '../core/ports.ts';

/** Timers that one process remembers; the oldest are forgotten and may be set once more. */
const maxWatched = 10_000;

/**
 * Sets a timer for the end of a lease that others find held: it drains the queue once more. A
 * handler that dies while it sends leaves messages that others have stored and acknowledged, and
 * its own publisher, which sends again, is turned away by its lease as well. So whoever leaves
 * messages to a holder waits until the queue has taken the timer.
 *
 * A process sets a connection's next timer only when the one before is due: the leases of a busy
 * session take one in 40 seconds. One that finds another lease held sets the next timer, so
 * messages wait for two leases at the most.
 */
export function createSenderWatch({ timers, clock }: Pick<Ports, 'timers' | 'clock'>): SenderWatch {
  const dueAtMsOf = new Map<ConnectionAddress, number>();

  function remember(address: ConnectionAddress, dueAtMs: number): void {
    dueAtMsOf.delete(address);
    dueAtMsOf.set(address, dueAtMs);
    const nowMs = clock.nowMs();
    for (const [oldest, isDueAtMs] of dueAtMsOf) {
      if (dueAtMsOf.size <= maxWatched && isDueAtMs > nowMs) return;
      dueAtMsOf.delete(oldest);
    }
  }

  return {
    async watch({ tenant, clientId, address, sendingUntilMs }) {
      if ((dueAtMsOf.get(address) ?? 0) > clock.nowMs()) return;
      await timers.schedule({ kind: 'sender', tenant, clientId, address }, sendingUntilMs);
      remember(address, sendingUntilMs);
    },
  };
}
