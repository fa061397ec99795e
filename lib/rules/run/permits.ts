import type { Settings } from '../../core/settings.ts';
import type { RulePermit } from '../../core/store-ports/rule-records.ts';
import type { TenantId } from '../../core/tenant-id.ts';
import type { RuleRunContext } from './context.ts';

/** Longest time of an invocation, in ms: a permit ends with it if its holder does not return it. */
const permitMs = 30_000;

/** Tenants whose slow targets a deployment bears at a time. */
const slowTenants = 8;

/** Permits of a tenant where a deployment has few workers: so many tenants must not hold all. */
export function permitsOf({ ruleSlowWorkers }: Settings, workers: number): number {
  return Math.max(1, Math.min(ruleSlowWorkers, Math.floor(workers / slowTenants)));
}

/** The permits of one invocation, at most one for each tenant. */
export class WorkerPermits {
  readonly #context: RuleRunContext;
  readonly #held = new Map<TenantId, Promise<RulePermit | undefined>>();

  constructor(context: RuleRunContext) {
    this.#context = context;
  }

  /** @returns whether this worker may be busy with records of the tenant for long. */
  async take(tenant: TenantId): Promise<boolean> {
    const { clock, ruleRecords, settings } = this.#context;
    const held =
      this.#held.get(tenant) ??
      ruleRecords.takePermit(tenant, settings.ruleSlowWorkers, clock.nowMs() + permitMs);
    this.#held.set(tenant, held);
    return (await held) !== undefined;
  }

  /** Returns all. A failure is harmless: they end by themselves. */
  async release(): Promise<void> {
    const { log, ruleRecords } = this.#context;
    for (const [tenant, held] of this.#held) {
      try {
        const permit = await held;
        if (permit !== undefined) await ruleRecords.returnPermit(tenant, permit);
      } catch {
        log.warn('a permit of a worker of rules ends late', { tenant });
      }
    }
  }
}
