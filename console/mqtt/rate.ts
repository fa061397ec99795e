/** Messages in the last whole seconds, for "messages a second". */
export class Rate {
  readonly #seconds: number;
  #counts = new Map<number, number>();

  /** @param seconds over which the rate is taken */
  constructor(seconds = 5) {
    this.#seconds = seconds;
  }

  count(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000);
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1);
    if (this.#counts.size > this.#seconds + 1)
      for (const old of this.#counts.keys()) if (old < second - this.#seconds) this.#counts.delete(old);
  }

  /** Per second, over the whole seconds before this one. */
  perSecond(nowMs: number): number {
    const now = Math.floor(nowMs / 1_000);
    let sum = 0;
    for (let second = now - this.#seconds; second < now; second += 1) sum += this.#counts.get(second) ?? 0;
    return sum / this.#seconds;
  }
}
