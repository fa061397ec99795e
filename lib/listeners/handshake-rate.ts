import { sourceOf } from './open-connections.ts';

/**
 * How many seconds of its rate an address may use at once: the clients behind it come back together
 * when a process has ended.
 */
const burstSeconds = 4;

interface Source {
  /** When the whole burst is free again, in ms. */
  freeAtMs: number;
  isRefused: boolean;
}

/** The rate of TLS handshakes of each client address. Each takes half a millisecond of CPU. */
export class HandshakeRate {
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  /** Those with a handshake in the last seconds, the latest at the end. */
  readonly #sources = new Map<string, Source>();

  /** @param nowMs a clock that does not jump. */
  constructor(perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#sources.size;
  }

  /**
   * Counts a handshake of an address. `refused-again`: one of this address has been refused since
   * its burst was free.
   */
  take(address: string | undefined): 'granted' | 'refused' | 'refused-again' {
    const nowMs = this.#nowMs();
    const name = sourceOf(address);
    const source = this.#sources.get(name) ?? { freeAtMs: 0, isRefused: false };
    if (source.freeAtMs <= nowMs) source.isRefused = false;
    const freeAtMs = Math.max(nowMs, source.freeAtMs) + 1_000 / this.#perSecond;
    if (freeAtMs - nowMs > burstSeconds * 1_000) {
      const answer = source.isRefused ? 'refused-again' : 'refused';
      source.isRefused = true;
      return answer;
    }
    source.freeAtMs = freeAtMs;
    this.#sources.delete(name);
    this.#sources.set(name, source);
    for (const [oldest, { freeAtMs: free }] of this.#sources) {
      if (free > nowMs) break;
      this.#sources.delete(oldest);
    }
    return 'granted';
  }
}
