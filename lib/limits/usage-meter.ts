import type { EffectiveQuotas } from '../core/quotas.ts';
import type { ReasonName } from '../core/reasons.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type {
  RateAmounts,
  UsageDeltas,
  UsageGauges,
  UsageHour,
  UsageMeter,
  UsageMetrics,
  UsageMinute,
  UsageStore,
} from '../core/usage.ts';
import { createClientRates } from './client-rates.ts';
import { TenantUsage } from './tenant-usage.ts';

/** How long gauges are cached, in milliseconds. */
const gaugesMaxAgeMs = 5_000;

/**
 * Meters usage in memory and writes it in batches, so that no message costs a write.
 *
 * Bounds of the error:
 * - A process that ends without another invocation loses its unwritten counts: at most 100 messages
 *   or 10 seconds of a tenant's use in that process, and 1,000 packets. Connections are written at
 *   the end of the invocation that opened or closed them, so only a crash loses them.
 * - Nothing is counted twice, unless DynamoDB's answer to a write is lost and the SDK repeats it.
 * - Each process enforces rates on its own counts and, after each write, on those of all processes.
 *   Together they may exceed a rate by their unwritten counts, 100 messages or 1,000 packets each.
 *   Deliveries exceed theirs by 10,000 in each process, and by those of one run; records of rules
 *   by those of 100 messages, and by those of one run.
 * - Refusals that wait for other counts, or for their 10 seconds, are lost likewise.
 * - Gauges drift by lost counts and by retained messages that DynamoDB's TTL deletes: see
 *   recount.ts.
 * - Metrics are put after the write. A crash between the two leaves them short by that write.
 *
 * @param onFailure receives the error of each failed write; its counts are kept for the next write.
 * @param metrics receives each successful write of counts. Default: none.
 */
export function createUsageMeter(
  store: UsageStore,
  nowMs: () => number,
  onFailure: (error: unknown) => void = () => undefined,
  metrics?: UsageMetrics,
): UsageMeter {
  return new BatchingUsageMeter(store, nowMs, onFailure, metrics);
}

class BatchingUsageMeter implements UsageMeter {
  readonly #store: UsageStore;
  readonly #nowMs: () => number;
  readonly #onFailure: (error: unknown) => void;
  readonly #metrics: UsageMetrics | undefined;
  readonly #tenants = new Map<TenantId, TenantUsage>();
  readonly clientRates = createClientRates();

  constructor(
    store: UsageStore,
    nowMs: () => number,
    onFailure: (error: unknown) => void,
    metrics: UsageMetrics | undefined,
  ) {
    this.#store = store;
    this.#nowMs = nowMs;
    this.#onFailure = onFailure;
    this.#metrics = metrics;
  }

  count(tenant: TenantId, deltas: UsageDeltas): void {
    this.#of(tenant).add(deltas, this.#nowMs());
  }

  countRefusal(tenant: TenantId, code: ReasonName, count: number): void {
    this.#of(tenant).addRefusal(code, count, this.#nowMs());
  }

  admits(tenant: TenantId, quotas: EffectiveQuotas, amounts: RateAmounts): boolean {
    return this.#of(tenant).take(quotas, amounts, this.#nowMs());
  }

  charge(tenant: TenantId, quotas: EffectiveQuotas, packets: number): void {
    this.#of(tenant).charge(quotas, packets, this.#nowMs());
  }

  mayDeliver(tenant: TenantId, quotas: EffectiveQuotas): boolean {
    return this.#of(tenant).mayDeliver(quotas, this.#nowMs());
  }

  chargeDeliveries(tenant: TenantId, quotas: EffectiveQuotas, deliveries: number): void {
    const usage = this.#of(tenant);
    usage.add({ deliveries }, this.#nowMs());
    usage.chargeDeliveries(quotas, deliveries, this.#nowMs());
  }

  mayFireRules(tenant: TenantId, quotas: EffectiveQuotas): boolean {
    return this.#of(tenant).mayFireRules(quotas, this.#nowMs());
  }

  chargeRuleDeliveries(tenant: TenantId, quotas: EffectiveQuotas, records: number): void {
    const usage = this.#of(tenant);
    usage.add({ ruleDeliveries: records }, this.#nowMs());
    usage.chargeRuleDeliveries(quotas, records, this.#nowMs());
  }

  knownGauges(tenant: TenantId): UsageGauges {
    return this.#of(tenant).gaugesNow();
  }

  async gauges(tenant: TenantId): Promise<UsageGauges> {
    const usage = this.#of(tenant);
    if (usage.gauges === undefined || this.#nowMs() - usage.gaugesAtMs > gaugesMaxAgeMs)
      usage.setGauges(await this.#store.readGauges(tenant), this.#nowMs());
    return usage.gaugesNow();
  }

  async beginRecount(tenant: TenantId, minAgeMs: number): Promise<boolean> {
    const nowMs = this.#nowMs();
    const usage = this.#of(tenant);
    if (nowMs - usage.recountAskedAtMs < minAgeMs) return false;
    usage.recountAskedAtMs = nowMs;
    usage.writeSoon();
    return this.#store.beginRecount(tenant, nowMs, nowMs - minAgeMs);
  }

  finishRecount(tenant: TenantId, atMs: number, counted: UsageGauges): Promise<void> {
    return this.#store.finishRecount(tenant, atMs, counted);
  }

  forget(tenant: TenantId): void {
    this.#tenants.delete(tenant);
  }

  report(tenant: TenantId, fromHour: string, toHour: string): Promise<UsageHour[]> {
    return this.#store.report(tenant, fromHour, toHour);
  }

  reportMinutes(tenant: TenantId, fromHour: string, toHour: string): Promise<UsageMinute[]> {
    return this.#store.reportMinutes(tenant, fromHour, toHour);
  }

  storedBefore(tenant: TenantId, hour: string): Promise<number> {
    return this.#store.storedBefore(tenant, hour);
  }

  async flush(): Promise<void> {
    const nowMs = this.#nowMs();
    await Promise.all(
      [...this.#tenants].map(async ([tenant, usage]) => {
        if (usage.isDue(nowMs)) await usage.write(this.#store, tenant, nowMs, this.#metrics);
        else if (usage.isIdle(nowMs)) this.#tenants.delete(tenant);
      }),
    );
  }

  #of(tenant: TenantId): TenantUsage {
    let usage = this.#tenants.get(tenant);
    if (usage === undefined) {
      usage = new TenantUsage(this.#nowMs(), this.#onFailure);
      this.#tenants.set(tenant, usage);
    }
    return usage;
  }
}
