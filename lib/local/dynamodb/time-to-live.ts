import type { Clock } from '../clock.ts';

/** The embedded tables are swept every minute. DynamoDB deletes expired items within a few days. */
const sweepIntervalMs = 60_000;

/** DynamoDB never deletes items that expired longer ago than this. */
const oldestSeconds = 5 * 365 * 24 * 60 * 60;

/** Whether the row's TTL attribute (seconds since 1970) has passed. Other types never expire. */
export function hasExpired(row: unknown, attribute: string, nowMs: number): boolean {
  const value = (row as Record<string, { N?: string }> | null)?.[attribute]?.N;
  if (value === undefined) return false;
  const expiresSeconds = Number(value);
  const nowSeconds = nowMs / 1000;
  return expiresSeconds < nowSeconds && expiresSeconds > nowSeconds - oldestSeconds;
}

/** Runs `sweep` every minute of `clock`, never concurrently. @returns a function that stops it. */
export function scheduleSweeps(clock: Clock, sweep: () => Promise<unknown>): () => void {
  let cancel = () => {};
  let stopped = false;
  const next = () => {
    cancel = clock.schedule(() => {
      sweep()
        // The next sweep retries, and readers check expiry too.
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
