import { burstSeconds, type TenantQuotas } from '../core/quotas.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { ClientRates } from './client-rates.ts';

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

export interface UsageHour {
  readonly hour: string;
  readonly counts: UsageCounts;
  /** Bytes of retained messages at the last change within the hour; absent: as the hour before left them. */
  readonly storedBytes?: number;
}

export interface UsageStore {
  /**
   * Adds to a tenant's hour (`2026-11-21T06`, UTC).
   * @param storedBytes what it has stored now, where that has changed.
   * @returns the hour's totals.
   */
  addCounts(
    tenant: TenantId,
    hour: string,
    counts: Partial<UsageCounts>,
    storedBytes?: number,
  ): Promise<UsageCounts>;
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
  /** Hours from `fromHour` to `toHour`, both included, ascending; hours in which nothing was written are left out. */
  report(tenant: TenantId, fromHour: string, toHour: string): Promise<UsageHour[]>;
  /** What was stored when `hour` began, in bytes. */
  storedBefore(tenant: TenantId, hour: string): Promise<number>;
}

/** One hour's counts of a tenant, as a write has just added them to the table. */
export interface UsageWritten {
  readonly tenant: TenantId;
  /** Within the hour to which they belong, in ms since 1970. */
  readonly atMs: number;
  readonly counts: Partial<UsageCounts>;
  /** Bytes of retained messages, where that has changed. */
  readonly storedBytes?: number;
}

/** Where usage goes beside the table. */
export interface UsageMetrics {
  /** Called once after each write that succeeded, so never for a message; must not throw. */
  put(written: UsageWritten): void;
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
 * what is lost and by retained messages that DynamoDB deletes when they have expired: lib/limits/recount.ts.
 * Metrics are told after the write: a crash between the two leaves them short of the table by that write, never beyond it.
 */
export class Usage {
  readonly #store: UsageStore;
  readonly #nowMs: () => number;
  readonly #onFailure: (error: unknown) => void;
  readonly #metrics: UsageMetrics | undefined;
  readonly #tenants = new Map<TenantId, TenantUsage>();
  readonly clients = new ClientRates();

  /**
   * @param onFailure told of each write that has failed; what it held is kept for the next.
   * @param metrics told of each write of counts that has not. Default: nobody is.
   */
  constructor(
    store: UsageStore,
    nowMs: () => number,
    onFailure: (error: unknown) => void = () => undefined,
    metrics?: UsageMetrics,
  ) {
    this.#store = store;
    this.#nowMs = nowMs;
    this.#onFailure = onFailure;
    this.#metrics = metrics;
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

  storedBefore(tenant: TenantId, hour: string): Promise<number> {
    return this.#store.storedBefore(tenant, hour);
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

const idleAfterMs = 600_000;

class TenantUsage {
  /** By hour. */
  #counts = new Map<string, Partial<UsageCounts>>();
  #gauges: Partial<UsageGauges> = {};
  /** The hour in which what is stored has changed last, until that is written. */
  #storedHour: string | undefined;
  readonly #onFailure: (error: unknown) => void;
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

  constructor(nowMs: number, onFailure: (error: unknown) => void) {
    this.#touchedAtMs = nowMs;
    this.#onFailure = onFailure;
    this.#messages = new Bucket();
    this.#bytes = new Bucket();
  }

  /** Counts belong to the hour in which they are counted, however late they are written. */
  add(deltas: UsageDeltas, nowMs: number, hour: string = hourOf(nowMs)): void {
    this.#touchedAtMs = nowMs;
    this.#firstAtMs ??= nowMs;
    const counts = pick(deltas, countNames);
    const gauges = pick(deltas, gaugeNames);
    if (Object.keys(counts).length > 0) this.#counts.set(hour, sum(this.#counts.get(hour) ?? {}, counts));
    this.#gauges = sum(this.#gauges, gauges);
    if (gauges.retainedBytes !== undefined) this.#storedHour = hour;
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
    let messages = 0;
    for (const { messagesIn = 0, messagesOut = 0 } of this.#counts.values())
      messages += messagesIn + messagesOut;
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
    const now = (name: keyof UsageGauges): number => (base?.[name] ?? 0) + (this.#gauges[name] ?? 0);
    return {
      connections: now('connections'),
      retainedMessages: now('retainedMessages'),
      retainedBytes: now('retainedBytes'),
    };
  }

  async write(
    store: UsageStore,
    tenant: TenantId,
    nowMs: number,
    metrics: UsageMetrics | undefined,
  ): Promise<void> {
    const [taken, gauges, storedHour] = [this.#counts, this.#gauges, this.#storedHour];
    this.#counts = new Map();
    this.#gauges = {};
    this.#storedHour = undefined;
    this.#firstAtMs = undefined;
    this.#urgent = false;
    const gaugesWritten = this.#orKeep(gauges, hourOf(nowMs), nowMs, async () => {
      if (Object.keys(gauges).length === 0) return;
      this.setGauges(await store.addGauges(tenant, gauges), nowMs);
    });
    // Only what is stored waits for its sum; a connection does not.
    if (storedHour !== undefined && (await gaugesWritten)) taken.set(storedHour, taken.get(storedHour) ?? {});
    const countsWritten = [...taken].map(async ([hour, counts]) => {
      const storedBytes = hour === storedHour ? this.gauges?.retainedBytes : undefined;
      const written = await this.#orKeep(counts, hour, nowMs, async () => {
        this.#learn(hour, counts, await store.addCounts(tenant, hour, counts, storedBytes));
      });
      if (written) {
        const stored = storedBytes === undefined ? {} : { storedBytes };
        metrics?.put({ tenant, atMs: timeWithin(hour, nowMs), counts, ...stored });
      } else if (storedBytes !== undefined) this.#storedHour ??= hour;
    });
    await Promise.all([gaugesWritten, ...countsWritten]);
  }

  /** @returns whether it could be written; if not it is kept for the next time. */
  async #orKeep(
    deltas: UsageDeltas,
    hour: string,
    nowMs: number,
    write: () => Promise<void>,
  ): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      this.#onFailure(error);
      this.add(deltas, nowMs, hour);
      return false;
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

/** `nowMs`, or the last moment of an hour that is over. */
function timeWithin(hour: string, nowMs: number): number {
  return hour === hourOf(nowMs) ? nowMs : Date.parse(`${hour}:59:59.999Z`);
}

function pick<Name extends string>(
  from: Partial<Record<Name, number>>,
  names: readonly Name[],
): Partial<Record<Name, number>> {
  const picked: Partial<Record<Name, number>> = {};
  for (const name of names) if (from[name] !== undefined && from[name] !== 0) picked[name] = from[name];
  return picked;
}

function sum<Names extends string>(
  one: Partial<Record<Names, number>>,
  other: Partial<Record<Names, number>>,
): Partial<Record<Names, number>> {
  const both = { ...one };
  for (const name of Object.keys(other) as Names[]) both[name] = (both[name] ?? 0) + (other[name] ?? 0);
  return both;
}
