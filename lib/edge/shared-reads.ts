import type { SubscriptionStore } from '../core/store-ports/subscriptions.ts';
import type { LiveTenantStore } from '../core/store-ports/tenants.ts';

/**
 * Lets calls for the same key share reads. A call joins a read only if that has not begun, so what
 * it gets is never older than the call: reads begin at the end of the event loop's turn, and after
 * the one that is under way.
 *
 * A failed read rejects all that have joined it; the next one is made afresh.
 */
function shareReads<T>(): (key: string, read: () => Promise<T>) => Promise<T> {
  interface Reads {
    running: Promise<unknown>;
    next: Promise<T> | undefined;
  }
  const byKey = new Map<string, Reads>();
  return (key, read) => {
    const reads = byKey.get(key) ?? { running: turnEnd(), next: undefined };
    byKey.set(key, reads);
    if (reads.next !== undefined) return reads.next;
    const next = reads.running.then(() => {
      reads.next = undefined;
      const made = read();
      reads.running = made.then(ignore, ignore).then(() => {
        if (reads.next === undefined) byKey.delete(key);
      });
      return made;
    });
    reads.next = next;
    return next;
  };
}

function turnEnd(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function ignore(): void {}

/** The tenant's row, read once for all frames that come meanwhile. */
export function shareTenantReads(tenants: LiveTenantStore): LiveTenantStore {
  const share = shareReads<Awaited<ReturnType<LiveTenantStore['readLive']>>>();
  return {
    ...tenants,
    readLive: (tenant, consistent) =>
      share(`${consistent} ${tenant}`, () => tenants.readLive(tenant, consistent)),
  };
}

/** Audiences, read once for all messages to the same topic that come meanwhile. */
export function shareAudiences(subscriptions: SubscriptionStore): SubscriptionStore {
  const share = shareReads<Awaited<ReturnType<SubscriptionStore['audience']>>>();
  return {
    ...subscriptions,
    audience: (tenant, filter, options) =>
      share(`${options.consistent} ${options.limit} ${tenant} ${filter}`, () =>
        subscriptions.audience(tenant, filter, options),
      ),
  };
}
