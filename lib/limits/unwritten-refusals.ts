import type { RefusalCounts } from '../core/usage.ts';

/** Refusals of one tenant in this process that are not written yet, by hour. */
export class UnwrittenRefusals {
  readonly #byHour = new Map<string, Map<string, number>>();
  #firstAtMs: number | undefined;

  get isEmpty(): boolean {
    return this.#firstAtMs === undefined;
  }

  get hours(): readonly string[] {
    return [...this.#byHour.keys()];
  }

  add(hour: string, code: string, count: number, nowMs: number): void {
    this.#firstAtMs ??= nowMs;
    const counts = this.#byHour.get(hour) ?? new Map<string, number>();
    this.#byHour.set(hour, counts);
    counts.set(code, (counts.get(code) ?? 0) + count);
  }

  /** Whether the oldest has waited for `ms`. */
  isOlderThan(ms: number, nowMs: number): boolean {
    return this.#firstAtMs !== undefined && nowMs - this.#firstAtMs >= ms;
  }

  /** Takes those of an hour, to write them; undefined: there are none. */
  take(hour: string): RefusalCounts | undefined {
    const counts = this.#byHour.get(hour);
    this.#byHour.delete(hour);
    if (this.#byHour.size === 0) this.#firstAtMs = undefined;
    return counts && Object.fromEntries(counts);
  }
}
