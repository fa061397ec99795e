import { burstSeconds, type EffectiveQuotas } from '../core/quotas.ts';
import type { TenantId } from '../core/tenant-id.ts';
import {
  type ConnectionCounts,
  connectionCountNames,
  countNames,
  gaugeNames,
  hourOf,
  type MinuteCounts,
  minuteOf,
  type RateAmounts,
  type UsageCounts,
  type UsageDeltas,
  type UsageGauges,
  type UsageMetrics,
  type UsageStore,
} from '../core/usage.ts';
import { UnwrittenRefusals } from './unwritten-refusals.ts';

/**
 * A token bucket that holds {@link burstSeconds} of its rate. The rate may change between calls.
 */
class TokenBucket {
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

/** Messages that are counted in memory before they are written. */
const flushAtMessages = 100;
/**
 * Packets that are counted in memory before they are written. Fewer are written with other counts
 * only: an idle client's PINGREQ must not cost a write.
 */
const flushAtPackets = 1_000;
/** Deliveries that are counted in memory before they are written. */
const flushAtDeliveries = 10_000;
/** Age of the oldest unwritten count at which the next invocation writes, in milliseconds. */
const flushAfterMs = 10_000;
/** Time without activity after which a tenant is dropped from memory, in milliseconds. */
const idleAfterMs = 600_000;

/** One tenant's unwritten counts, cached gauges and rate buckets in this process. */
export class TenantUsage {
  /** By hour. */
  #counts = new Map<string, Partial<UsageCounts>>();
  /** Likewise, by minute. */
  readonly #minutes = new Map<string, Partial<MinuteCounts>>();
  #gauges: Partial<UsageGauges> = {};
  /** Absent until something is refused. */
  #refusals: UnwrittenRefusals | undefined;
  /** The hour of the last unwritten change of stored bytes. */
  #storedHour: string | undefined;
  readonly #onFailure: (error: unknown) => void;
  #firstAtMs: number | undefined;
  #urgent = false;
  #touchedAtMs: number;
  /** Totals of the hour as last read: their growth shows what other processes have added. */
  #totals: { hour: string; counts: UsageCounts } | undefined;
  /** Packets that have been admitted since the last write. */
  #unwrittenPackets = 0;
  readonly #packets = new TokenBucket();
  readonly #messages = new TokenBucket();
  readonly #bytes = new TokenBucket();
  readonly #deliveries = new TokenBucket();
  readonly #ruleDeliveries = new TokenBucket();
  gauges: UsageGauges | undefined;
  gaugesAtMs = 0;
  /** When this process last asked for a recount of the gauges. */
  recountAskedAtMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: number, onFailure: (error: unknown) => void) {
    this.#touchedAtMs = nowMs;
    this.#onFailure = onFailure;
  }

  /** Counts belong to the time at which they are counted, however late they are written. */
  add(deltas: UsageDeltas, nowMs: number): void {
    this.#addToMinute(minuteOf(nowMs), pick(deltas, ['messagesIn', 'messagesOut']));
    this.#addToHour(deltas, nowMs, hourOf(nowMs));
  }

  #addToMinute(minute: string, counts: Partial<MinuteCounts>): void {
    if (Object.keys(counts).length > 0)
      this.#minutes.set(minute, sum(this.#minutes.get(minute) ?? {}, counts));
  }

  /** Takes those of an hour: they are written with it, even if only refusals are in it. */
  #takeMinutes(hour: string): ReadonlyMap<string, Partial<MinuteCounts>> {
    const taken = new Map([...this.#minutes].filter(([minute]) => minute.startsWith(hour)));
    for (const minute of taken.keys()) this.#minutes.delete(minute);
    return taken;
  }

  #addToHour(deltas: UsageDeltas, nowMs: number, hour: string): void {
    this.#touchedAtMs = nowMs;
    this.#firstAtMs ??= nowMs;
    const counts = pick(deltas, countNames);
    const gauges = pick(deltas, gaugeNames);
    if (Object.keys(counts).length > 0) this.#counts.set(hour, sum(this.#counts.get(hour) ?? {}, counts));
    this.#gauges = sum(this.#gauges, gauges);
    if (gauges.retainedBytes !== undefined) this.#storedHour = hour;
    if (deltas.connections !== undefined) this.#urgent = true;
  }

  /** Counts what was refused, likewise. */
  addRefusal(code: string, count: number, nowMs: number): void {
    this.#touchedAtMs = nowMs;
    this.#addToMinute(minuteOf(nowMs), { refusals: count });
    this.#addRefusalToHour(code, count, nowMs, hourOf(nowMs));
  }

  #addRefusalToHour(code: string, count: number, nowMs: number, hour: string): void {
    this.#refusals ??= new UnwrittenRefusals();
    this.#refusals.add(hour, code, count, nowMs);
  }

  /** @returns false, taking nothing, when a rate does not allow the amounts. */
  take(
    quotas: EffectiveQuotas,
    { packets = 0, messages = 0, bytes = 0 }: RateAmounts,
    nowMs: number,
  ): boolean {
    this.#touchedAtMs = nowMs;
    const enoughPackets = this.#packets.has(quotas.packetsPerSecond, packets, nowMs);
    const enoughMessages = this.#messages.has(quotas.publishesPerSecond, messages, nowMs);
    const enoughBytes = this.#bytes.has(quotas.publishBytesPerSecond, bytes, nowMs);
    if (!enoughPackets || !enoughMessages || !enoughBytes) return false;
    this.#packets.remove(packets);
    this.#unwrittenPackets += packets;
    this.#messages.remove(messages);
    this.#bytes.remove(bytes);
    return true;
  }

  /** Takes packets that the rate can no longer refuse. */
  charge({ packetsPerSecond }: EffectiveQuotas, packets: number, nowMs: number): void {
    if (packetsPerSecond === undefined) return;
    this.#touchedAtMs = nowMs;
    const amount = Math.min(packets, packetsPerSecond * burstSeconds);
    this.#packets.has(packetsPerSecond, amount, nowMs);
    this.#packets.remove(amount);
    this.#unwrittenPackets += amount;
  }

  mayDeliver({ deliveriesPerSecond }: EffectiveQuotas, nowMs: number): boolean {
    return this.#deliveries.has(deliveriesPerSecond, 1, nowMs);
  }

  /** Takes deliveries that the rate can no longer refuse. */
  chargeDeliveries({ deliveriesPerSecond }: EffectiveQuotas, deliveries: number, nowMs: number): void {
    this.#deliveries.has(deliveriesPerSecond, deliveries, nowMs);
    this.#deliveries.remove(deliveries);
  }

  mayFireRules({ ruleDeliveriesPerSecond }: EffectiveQuotas, nowMs: number): boolean {
    return this.#ruleDeliveries.has(ruleDeliveriesPerSecond, 1, nowMs);
  }

  /** Takes records of rules that the rate can no longer refuse. */
  chargeRuleDeliveries({ ruleDeliveriesPerSecond }: EffectiveQuotas, records: number, nowMs: number): void {
    this.#ruleDeliveries.has(ruleDeliveriesPerSecond, records, nowMs);
    this.#ruleDeliveries.remove(records);
  }

  /**
   * Makes the next flush write. A recount needs it: it counts rows, which include what this process
   * has not written, so a later write would add that a second time.
   */
  writeSoon(): void {
    this.#urgent = true;
  }

  isDue(nowMs: number): boolean {
    if (this.#unwrittenPackets >= flushAtPackets) return true;
    if (this.#refusals?.isOlderThan(flushAfterMs, nowMs) === true) return true;
    if (this.#firstAtMs === undefined) return false;
    let messages = 0;
    let expected = 0;
    for (const { messagesIn = 0, messagesOut = 0, deliveries = 0 } of this.#counts.values()) {
      messages += messagesIn + messagesOut;
      expected += deliveries;
    }
    if (this.#urgent || messages >= flushAtMessages || expected >= flushAtDeliveries) return true;
    return nowMs - this.#firstAtMs >= flushAfterMs;
  }

  isIdle(nowMs: number): boolean {
    const hasNothing = this.#firstAtMs === undefined && this.#refusals?.isEmpty !== false;
    return hasNothing && nowMs - this.#touchedAtMs > idleAfterMs;
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

  /** Writes everything unwritten. What fails is kept for the next write. */
  async write(
    store: UsageStore,
    tenant: TenantId,
    nowMs: number,
    metrics: UsageMetrics | undefined,
  ): Promise<void> {
    const [taken, gauges, storedHour] = [this.#counts, this.#gauges, this.#storedHour];
    const hourNow = hourOf(nowMs);
    const ofConnections = takeConnections(taken, gauges, hourNow);
    if (this.#unwrittenPackets >= flushAtPackets || taken.size > 0) {
      if (this.#unwrittenPackets > 0)
        taken.set(hourNow, sum(taken.get(hourNow) ?? {}, { packetsIn: this.#unwrittenPackets }));
      this.#unwrittenPackets = 0;
    }
    // Else they wait for a write of their hour, which they join.
    if (this.#refusals?.isOlderThan(flushAfterMs, nowMs) === true)
      for (const hour of this.#refusals.hours) taken.set(hour, taken.get(hour) ?? {});
    this.#counts = new Map();
    this.#gauges = {};
    this.#storedHour = undefined;
    this.#firstAtMs = undefined;
    this.#urgent = false;
    const gaugesWritten = this.#orKeep({ ...gauges, ...ofConnections }, hourNow, nowMs, async () => {
      if (Object.keys(gauges).length === 0) return;
      this.setGauges(await store.addGauges(tenant, gauges, hourNow, ofConnections), nowMs);
      if (Object.keys(ofConnections).length > 0) metrics?.put({ tenant, atMs: nowMs, counts: ofConnections });
    });
    // Stored bytes are written as a sum, which the gauges' write returns; nothing else waits for
    // it.
    if (storedHour !== undefined && (await gaugesWritten)) taken.set(storedHour, taken.get(storedHour) ?? {});
    const countsWritten = [...taken].map(async ([hour, counts]) => {
      const storedBytes = hour === storedHour ? this.gauges?.retainedBytes : undefined;
      const minutes = this.#takeMinutes(hour);
      const refusals = this.#refusals?.take(hour);
      const written = await this.#orKeep(counts, hour, nowMs, async () => {
        const change = { counts, storedBytes, minutes, refusals };
        this.#learn(hour, counts, await store.addCounts(tenant, hour, change));
      });
      if (!written) {
        for (const [minute, ofMinute] of minutes) this.#addToMinute(minute, ofMinute);
        for (const [code, count] of Object.entries(refusals ?? {}))
          this.#addRefusalToHour(code, count, nowMs, hour);
      }
      if (written) {
        const stored = storedBytes === undefined ? {} : { storedBytes };
        metrics?.put({ tenant, atMs: timeWithin(hour, nowMs), counts, ...stored });
      } else if (storedBytes !== undefined) this.#storedHour ??= hour;
    });
    await Promise.all([gaugesWritten, ...countsWritten]);
  }

  /** @returns whether the write succeeded; if not, its deltas are added again. */
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
      this.#addToHour(deltas, nowMs, hour);
      return false;
    }
  }

  /** Takes what other processes have published since the last write from this process's buckets. */
  #learn(hour: string, mine: UsageDeltas, totals: UsageCounts): void {
    const before = this.#totals;
    this.#totals = { hour, counts: totals };
    if (before?.hour !== hour) return;
    this.#packets.remove(totals.packetsIn - before.counts.packetsIn - (mine.packetsIn ?? 0));
    this.#messages.remove(totals.messagesIn - before.counts.messagesIn - (mine.messagesIn ?? 0));
    this.#bytes.remove(totals.bytesIn - before.counts.bytesIn - (mine.bytesIn ?? 0));
    this.#deliveries.remove(deliveriesOf(totals) - deliveriesOf(before.counts) - (mine.deliveries ?? 0));
    this.#ruleDeliveries.remove(
      totals.ruleDeliveries - before.counts.ruleDeliveries - (mine.ruleDeliveries ?? 0),
    );
  }
}

/**
 * Deliveries of an hour: those that were expected, or those that were made if they are more. The
 * size of a large audience is an estimate, which its clients may mislead by their ids.
 */
function deliveriesOf({ deliveries, messagesOut }: UsageCounts): number {
  return Math.max(deliveries, messagesOut);
}

/**
 * Takes the counts of connections of an hour out of `counts`, where they can be written with the
 * gauge of connections.
 */
function takeConnections(
  counts: Map<string, Partial<UsageCounts>>,
  gauges: Partial<UsageGauges>,
  hour: string,
): Partial<ConnectionCounts> {
  const { connects, connectionMs, ...others } = counts.get(hour) ?? {};
  if (gauges.connections === undefined) return {};
  if (Object.keys(others).length > 0) counts.set(hour, others);
  else counts.delete(hour);
  return pick({ connects: connects ?? 0, connectionMs: connectionMs ?? 0 }, connectionCountNames);
}

/** `nowMs`, or the last millisecond of an hour that is over. */
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
