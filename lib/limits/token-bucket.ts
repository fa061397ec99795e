import { burstSeconds } from '../core/quotas.ts';

/**
 * A token bucket that holds {@link burstSeconds} of its rate. The rate may change between calls.
 */
export class TokenBucket {
  #tokens: number | undefined;
  #atMs = 0;

  /** Refills the bucket. @returns whether it holds `amount`; always true without a rate. */
  has(perSecond: number | undefined, amount: number, nowMs: number): boolean {
    if (perSecond === undefined) return true;
    const capacity = perSecond * burstSeconds;
    const refilled = (this.#tokens ?? capacity) + ((nowMs - this.#atMs) / 1000) * perSecond;
    this.#tokens = this.#tokens === undefined ? capacity : Math.min(capacity, refilled);
    this.#atMs = nowMs;
    return this.#tokens >= amount;
  }

  /** Takes tokens; the bucket may go into debt. */
  remove(amount: number): void {
    if (this.#tokens !== undefined && amount > 0) this.#tokens -= amount;
  }
}
