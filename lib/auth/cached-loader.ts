import { KeyFetchError, type KeyFetchErrorCode } from './key-fetch-error.ts';

export interface CachedLoaderOptions<Value> {
  /** @throws KeyFetchError */
  readonly load: (source: string) => Promise<Value>;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Told of each failed attempt. */
  readonly onFailure: (source: string, code: KeyFetchErrorCode) => void;
  /** A value older than this is reloaded before it is used. */
  readonly maxAgeMs: number;
  /**
   * Maximum age of a value while loading fails: an outage of a provider must not lock its clients
   * out.
   */
  readonly maxStaleMs: number;
}

/**
 * Minimum time between two attempts, so that unverified tokens cannot cause a stream of requests.
 */
const cooldownMs = 30_000;
/** The same while there is no value, when no client can connect. */
const emptyCooldownMs = 5_000;
const maxSources = 1_000;

interface Entry<Value> {
  loaded?: { readonly value: Value; readonly atMs: number };
  attemptedAtMs?: number;
  failure?: KeyFetchErrorCode;
  pending?: Promise<void>;
}

/**
 * Cache of values by source (a URL, a reference to a secret), kept across the invocations of a
 * function's environment. Concurrent callers share one attempt.
 */
export class CachedLoader<Value> {
  readonly #options: CachedLoaderOptions<Value>;
  readonly #entries = new Map<string, Entry<Value>>();

  constructor(options: CachedLoaderOptions<Value>) {
    this.#options = options;
  }

  /**
   * @param suffices whether a fresh value has what the caller needs. If not (a new key at the
   *   provider), it is reloaded unless the last attempt was less than 30 s ago.
   * @throws KeyFetchError of the last attempt, if no value is young enough.
   */
  async get(source: string, suffices: (value: Value) => boolean = () => true): Promise<Value> {
    const entry = this.#entry(source);
    const { maxAgeMs, maxStaleMs } = this.#options;
    const known = this.#youngerThan(entry, maxAgeMs);
    if (known === undefined || !suffices(known.value)) await this.#refresh(source, entry);
    const usable = this.#youngerThan(entry, maxStaleMs);
    if (usable === undefined) throw new KeyFetchError(entry.failure ?? 'keys-connection');
    return usable.value;
  }

  #youngerThan({ loaded }: Entry<Value>, ageMs: number): Entry<Value>['loaded'] {
    return loaded !== undefined && this.#options.nowMs() - loaded.atMs < ageMs ? loaded : undefined;
  }

  #refresh(source: string, entry: Entry<Value>): Promise<void> | undefined {
    if (entry.pending !== undefined) return entry.pending;
    const pauseMs = entry.loaded === undefined ? emptyCooldownMs : cooldownMs;
    const nowMs = this.#options.nowMs();
    if (entry.attemptedAtMs !== undefined && nowMs - entry.attemptedAtMs < pauseMs) return undefined;
    entry.attemptedAtMs = nowMs;
    entry.pending = this.#load(source, entry);
    return entry.pending;
  }

  async #load(source: string, entry: Entry<Value>): Promise<void> {
    try {
      const value = await this.#options.load(source);
      entry.loaded = { value, atMs: this.#options.nowMs() };
    } catch (error) {
      entry.failure = error instanceof KeyFetchError ? error.code : 'keys-connection';
      this.#options.onFailure(source, entry.failure);
    } finally {
      delete entry.pending;
    }
  }

  /** Evicts the least recently used entry. */
  #entry(source: string): Entry<Value> {
    const entry = this.#entries.get(source) ?? {};
    this.#entries.delete(source);
    this.#entries.set(source, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > maxSources && oldest !== undefined) this.#entries.delete(oldest);
    return entry;
  }
}
