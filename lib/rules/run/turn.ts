import type { TenantId } from '../../core/tenant-id.ts';
import type { WorkerPermits } from './permits.ts';

/** How long a batch may go on. */
export interface BatchTime {
  /** Then it begins no further attempts, in ms since 1970. */
  readonly stopAtMs: number;
  /** Resolve after `ruleSlowMs`, and after `ruleAbandonMs`. */
  readonly isSlow: Promise<void>;
  readonly isHanging: Promise<void>;
  readonly permits: WorkerPermits;
}

/** Answers to attempts are no longer waited for. */
export const abandoned = Symbol();

/**
 * The turn of a rule in a batch. Once it takes long it needs a permit of the tenant, or has to give
 * way: first it begins no further attempts, then it abandons those that it has begun.
 */
export class RuleTurn {
  readonly #time: BatchTime;
  readonly #tenant: TenantId;
  #isEnded = false;
  #mustGiveWay = false;
  /** Resolves when attempts are to be abandoned; maybe never. */
  readonly isAbandoned: Promise<typeof abandoned>;

  constructor(time: BatchTime, tenant: TenantId) {
    this.#time = time;
    this.#tenant = tenant;
    this.isAbandoned = this.#begin();
  }

  get mustGiveWay(): boolean {
    return this.#mustGiveWay;
  }

  end(): void {
    this.#isEnded = true;
  }

  async #begin(): Promise<typeof abandoned> {
    const { isSlow, isHanging, permits } = this.#time;
    await isSlow;
    // A table that fails stops nothing: deliveries matter more.
    if (this.#isEnded || (await permits.take(this.#tenant).catch(() => true)))
      return await new Promise(() => undefined);
    this.#mustGiveWay = true;
    await isHanging;
    return abandoned;
  }
}
