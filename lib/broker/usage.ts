import type { TenantId } from '../auth/tenant-id.ts';
import { ClientRates } from './client-rates.ts';
import { burstSeconds, type TenantQuotas } from './quotas.ts';

/** What is counted for each tenant and hour. */
export interface UsageCounts {
  readonly messagesIn: number;
  readonly bytesIn: number;
  readonly messagesOut: number;
  readonly bytesOut: number;
  readonly connects: number;
  /** Time connections were open, in milliseconds, counted when they end. */
  readonly connectionMs: number;
}
/** What a tenant holds at the moment. */
export interface UsageGauges {
  readonly connections: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
}
export type UsageDeltas = Partial<UsageCounts & UsageGauges>;

export const countNames = [
  'messagesIn',
  'bytesIn',
  'messagesOut',
  'bytesOut',
  'connects',
  'connectionMs',
] as const satisfies readonly (keyof UsageCounts)[];
export const gaugeNames = [
  'connections',
  'retainedMessages',
  'retainedBytes',
] as const satisfies readonly (keyof UsageGauges)[];

export interface UsageStore {
  /** Adds to a tenant's hour (`2026-11-21T06`, UTC). @returns the hour's totals. */
  addCounts(tenant: TenantId, hour: string, counts: Partial<UsageCounts>): Promise<UsageCounts>;
  /** @returns the gauges after the change. */
  addGauges(tenant: TenantId, gauges: Partial<UsageGauges>): Promise<UsageGauges>;
  readGauges(tenant: TenantId): Promise<UsageGauges>;
  /**
   * Begins a count of what the gauges stand for.
   * @returns false, changing nothing, where one has begun after `notSinceMs`.
   */
  beginRecount(tenant: TenantId, atMs: number, notSinceMs: number): Promise<boolean>;
  /** Puts the outcome of the count that began at `atMs` in place of the gauges, once. */
  finishRecount(tenant: TenantId, atMs: number, counted: UsageGauges): Promise<void>;
  /** Hours from `fromHour` to `toHour`, both included, ascending; hours without use are left out. */
  report(
    tenant: TenantId,
    fromHour: string,
    toHour: string,
  ): Promise<{ readonly hour: string; readonly counts: UsageCounts }[]>;
}

/** Messages counted in memory before they are written. */
const flushAtMessages = 100;
/** Age of the oldest unwritten count at which the next invocation writes, in milliseconds. */
const flushAfterMs = 10_000;
/** How long gauges that have been read are trusted, in milliseconds. */
const gaugesMaxAgeMs = 5_000;

/**
 * Usage of tenants, counted in memory and written in batches, so that no message costs a write.
 *
 * Bounds of the error: a process that ends without another invocation loses what it has not written: at most 100
 * messages or 10 seconds of a tenant's use in that process. Connections are written at the end of the invocation that
 * opened or closed them, so they are lost only by a crash. Nothing is counted twice, except when DynamoDB's answer to
 * a write is lost and the write repeated. Rates are enforced in each process on its own counts and, at each write, on
 * those of all others: processes together may exceed a rate by what they have not written, 100 messages each. Gauges drift by
 * what is lost and by retained messages that DynamoDB deletes when they have expired: lib/broker/recount.ts.
 */
export class Usage {
  readonly #store: UsageStore;
  readonly #nowMs: () => number;
  readonly #tenants = new Map<TenantId, TenantUsage>();
  readonly clients = new ClientRates();

  constructor(store: UsageStore, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  count(tenant: TenantId, deltas: UsageDeltas): void {
    this.#of(tenant).add(deltas, this.#nowMs());
  }

  /** Whether the tenant's rates allow these publishes now; if so they are taken from its allowance. */
  admits(tenant: TenantId, quotas: TenantQuotas, messages: number, bytes: number): boolean {
    return this.#of(tenant).take(quotas, messages, bytes, this.#nowMs());
  }

  /** Gauges as of the last seconds, what this process has not written yet included. */
  async gauges(tenant: TenantId): Promise<UsageGauges> {
    const usage = this.#of(tenant);
    if (usage.gauges === undefined || this.#nowMs() - usage.gaugesAtMs > gaugesMaxAgeMs)
      usage.setGauges(await this.#store.readGauges(tenant), this.#nowMs());
    return usage.gaugesNow();
  }

  /** @returns whether the gauges are to be counted now: false where they were less than `minAgeMs` ago. */
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

  /** Drops what is not written yet: the tenant is deleted. */
  forget(tenant: TenantId): void {
    this.#tenants.delete(tenant);
  }

  /** Hours from `fromHour` to `toHour`, as far as they are written. */
  report(tenant: TenantId, fromHour: string, toHour: string): ReturnType<UsageStore['report']> {
    return this.#store.report(tenant, fromHour, toHour);
  }

  /** Writes what is due; call it at the end of every invocation. A failed write is kept and tried again. */
  async flush(): Promise<void> {
    const nowMs = this.#nowMs();
    await Promise.all(
      [...this.#tenants].map(async ([tenant, usage]) => {
        if (usage.isDue(nowMs)) await usage.write(this.#store, tenant, nowMs);
        else if (usage.isIdle(nowMs)) this.#tenants.delete(tenant);
      }),
    );
  }

  #of(tenant: TenantId): TenantUsage {
    let usage = this.#tenants.get(tenant);
    if (usage === undefined) {
      usage = new TenantUsage(this.#nowMs());
      this.#tenants.set(tenant, usage);
    }
    return usage;
  }
}

const idleAfterMs = 600_000;

class TenantUsage {
  #pending: Record<string, number> = {};
  #firstAtMs: number | undefined;
  #urgent = false;
  #touchedAtMs: number;
  /** Totals of the hour as last read, to learn what other processes have added. */
  #totals: { hour: string; counts: UsageCounts } | undefined;
  readonly #messages: Bucket;
  readonly #bytes: Bucket;
  gauges: UsageGauges | undefined;
  gaugesAtMs = 0;
  /** When this process last asked whether the gauges are to be counted anew. */
  recountAskedAtMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: number) {
    this.#touchedAtMs = nowMs;
    this.#messages = new Bucket();
    this.#bytes = new Bucket();
  }

  add(deltas: UsageDeltas, nowMs: number): void {
    this.#touchedAtMs = nowMs;
    this.#firstAtMs ??= nowMs;
    for (const [name, value] of Object.entries(deltas))
      if (value !== 0) this.#pending[name] = (this.#pending[name] ?? 0) + value;
    if (deltas.connections !== undefined) this.#urgent = true;
  }

  take(quotas: TenantQuotas, messages: number, bytes: number, nowMs: number): boolean {
    this.#touchedAtMs = nowMs;
    const enoughMessages = this.#messages.has(quotas.publishesPerSecond, messages, nowMs);
    const enoughBytes = this.#bytes.has(quotas.publishBytesPerSecond, bytes, nowMs);
    if (!enoughMessages || !enoughBytes) return false;
    this.#messages.remove(messages);
    this.#bytes.remove(bytes);
    return true;
  }

  /** At the end of this invocation: what is counted is in the rows already, and would be added to what is counted there. */
  writeSoon(): void {
    this.#urgent = true;
  }

  isDue(nowMs: number): boolean {
    if (this.#firstAtMs === undefined) return false;
    const messages = (this.#pending.messagesIn ?? 0) + (this.#pending.messagesOut ?? 0);
    return this.#urgent || messages >= flushAtMessages || nowMs - this.#firstAtMs >= flushAfterMs;
  }

  isIdle(nowMs: number): boolean {
    return this.#firstAtMs === undefined && nowMs - this.#touchedAtMs > idleAfterMs;
  }

  setGauges(gauges: UsageGauges, nowMs: number): void {
    this.gauges = gauges;
    this.gaugesAtMs = nowMs;
  }

  gaugesNow(): UsageGauges {
    const base = this.gauges;
    const now = (name: keyof UsageGauges): number => (base?.[name] ?? 0) + (this.#pending[name] ?? 0);
    return {
      connections: now('connections'),
      retainedMessages: now('retainedMessages'),
      retainedBytes: now('retainedBytes'),
    };
  }

  async write(store: UsageStore, tenant: TenantId, nowMs: number): Promise<void> {
    const taken = this.#pending;
    this.#pending = {};
    this.#firstAtMs = undefined;
    this.#urgent = false;
    const counts = pick(taken, countNames);
    const gauges = pick(taken, gaugeNames);
    const hour = hourOf(nowMs);
    await Promise.all([
      this.#orKeep(counts, nowMs, async () => {
        this.#learn(hour, counts, await store.addCounts(tenant, hour, counts));
      }),
      this.#orKeep(gauges, nowMs, async () => {
        this.setGauges(await store.addGauges(tenant, gauges), nowMs);
      }),
    ]);
  }

  async #orKeep(deltas: UsageDeltas, nowMs: number, write: () => Promise<void>): Promise<void> {
    if (Object.keys(deltas).length === 0) return;
    try {
      await write();
    } catch {
      this.add(deltas, nowMs);
    }
  }

  /** What others have published since the last write is taken from this process's allowance too. */
  #learn(hour: string, mine: UsageDeltas, totals: UsageCounts): void {
    const before = this.#totals;
    this.#totals = { hour, counts: totals };
    if (before?.hour !== hour) return;
    this.#messages.remove(totals.messagesIn - before.counts.messagesIn - (mine.messagesIn ?? 0));
    this.#bytes.remove(totals.bytesIn - before.counts.bytesIn - (mine.bytesIn ?? 0));
  }
}

/** A token bucket that holds {@link burstSeconds} of its rate. */
class Bucket {
  #tokens: number | undefined;
  #atMs = 0;

  has(perSecond: number | undefined, amount: number, nowMs: number): boolean {
    if (perSecond === undefined) return true;
    const capacity = perSecond * burstSeconds;
    const refilled = (this.#tokens ?? capacity) + ((nowMs - this.#atMs) / 1000) * perSecond;
    this.#tokens = this.#tokens === undefined ? capacity : Math.min(capacity, refilled);
    this.#atMs = nowMs;
    return this.#tokens >= amount;
  }

  remove(amount: number): void {
    if (this.#tokens !== undefined && amount > 0) this.#tokens -= amount;
  }
}

/** `2026-11-21T06`, UTC. */
export function hourOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 13);
}

function pick<Name extends string>(
  from: Record<string, number>,
  names: readonly Name[],
): Partial<Record<Name, number>> {
  const picked: Partial<Record<Name, number>> = {};
  for (const name of names) if (from[name] !== undefined && from[name] !== 0) picked[name] = from[name];
  return picked;
}
