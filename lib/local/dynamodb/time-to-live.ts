import type { Clock } from '../clock.ts';

/** DynamoDB deletes expired items within a few days; the embedded table is swept every minute. */
export const sweepIntervalMs = 60_000;

/** Times further back are taken for mistakes and never deleted (documented rule). */
const oldestSeconds = 5 * 365 * 24 * 60 * 60;

/** Whether the row's TTL attribute, in seconds since 1970, has passed. Anything but a number never expires. */
export function hasExpired(row: unknown, attribute: string, nowMs: number): boolean {
  const value = (row as Record<string, { N?: string }> | null)?.[attribute]?.N;
  if (value === undefined) return false;
  const expiresSeconds = Number(value);
  const nowSeconds = nowMs / 1000;
  return expiresSeconds < nowSeconds && expiresSeconds > nowSeconds - oldestSeconds;
}

/** Runs `sweep` every minute of `clock`, one at a time; the returned function stops it. */
export function scheduleSweeps(clock: Clock, sweep: () => Promise<unknown>): () => void {
  let cancel = () => {};
  let stopped = false;
  const next = () => {
    cancel = clock.schedule(() => {
      sweep()
        // The next sweep tries again; expiry is checked on read as well.
        .catch(() => {})
        .finally(() => {
          if (!stopped) next();
        });
    }, sweepIntervalMs);
  };
  next();
  return () => {
    stopped = true;
    cancel();
  };
}
