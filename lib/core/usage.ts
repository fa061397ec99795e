import type { Message, RateUse } from './model.ts';
import type { ClientQuotas, EffectiveQuotas } from './quotas.ts';
import type { ReasonName } from './reasons.ts';
import type { TenantId } from './tenant-id.ts';

/** Counters of a tenant, kept by the hour. */
export interface UsageCounts {
  readonly messagesIn: number;
  readonly bytesIn: number;
  readonly messagesOut: number;
  readonly bytesOut: number;
  readonly connects: number;
  /** Time during which connections were open, in milliseconds; counted when a connection ends. */
  readonly connectionMs: number;
  /** Packets of clients as quotas count them (lib/broker/packet-rate.ts). */
  readonly packetsIn: number;
  /** Copies that published messages were to have, as the quota deliveriesPerSecond counts them. */
  readonly deliveries: number;
  /** Records that messages have made for rules, as the quota ruleDeliveriesPerSecond counts. */
  readonly ruleDeliveries: number;
  /** Records of rules that could not be delivered and have become failures. */
  readonly ruleFailures: number;
}

/** What a tenant holds now. */
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
  'packetsIn',
  'deliveries',
  'ruleDeliveries',
  'ruleFailures',
] as const satisfies readonly (keyof UsageCounts)[];

export const gaugeNames = [
  'connections',
  'retainedMessages',
  'retainedBytes',
] as const satisfies readonly (keyof UsageGauges)[];

/** Counts that change with the gauge of connections, and are written with it. */
export const connectionCountNames = [
  'connects',
  'connectionMs',
] as const satisfies readonly (keyof UsageCounts)[];
export type ConnectionCounts = Pick<UsageCounts, (typeof connectionCountNames)[number]>;

/** One hour of a tenant's usage. */
export interface UsageHour {
  /** `2026-11-21T06`, UTC. */
  readonly hour: string;
  readonly counts: UsageCounts;
  /** Bytes of retained messages after the last change within the hour; absent: unchanged in it. */
  readonly storedBytes?: number;
  /**
   * What was refused or dropped, by code of the catalogue; a later release may know more codes.
   * Absent: nothing.
   */
  readonly refusals?: RefusalCounts;
}

/** Counts that are kept by the minute as well. */
export interface MinuteCounts {
  readonly messagesIn: number;
  readonly messagesOut: number;
  /** What was refused or dropped, whatever its code. */
  readonly refusals: number;
}

/** One minute of a tenant's usage. */
export interface UsageMinute {
  /** `2026-11-21T06:05`, UTC. */
  readonly minute: string;
  readonly counts: MinuteCounts;
}

/** How many times each code of the catalogue was the answer. */
export type RefusalCounts = Readonly<Record<string, number>>;

const hourMs = 3_600_000;
let lastHour = { startMs: Number.NaN, text: '' };

/** The hour of a time, as {@link UsageHour.hour} names it. */
export function hourOf(timeMs: number): string {
  const startMs = timeMs - (timeMs % hourMs);
  // Messages ask for the same hour again and again.
  if (startMs !== lastHour.startMs)
    lastHour = { startMs, text: new Date(startMs).toISOString().slice(0, 13) };
  return lastHour.text;
}

/** The minute of a time, as {@link UsageMinute.minute} names it. */
export function minuteOf(timeMs: number): string {
  const minute = Math.floor((timeMs % hourMs) / 60_000);
  return `${hourOf(timeMs)}:${String(minute).padStart(2, '0')}`;
}

/** Bytes of a message as quotas and usage count them: topic and payload. */
export function messageBytes(message: Pick<Message, 'topic' | 'payload'>): number {
  return Buffer.byteLength(message.topic) + message.payload.length;
}

/** What is taken from rates; absent: nothing of it. */
export interface RateAmounts {
  /** Packets, weighted as in lib/broker/packet-rate.ts. */
  readonly packets?: number;
  /** PUBLISH packets. */
  readonly messages?: number;
  /** Bytes of payload and topic of PUBLISH packets. */
  readonly bytes?: number;
}

/**
 * Meters what tenants use, and enforces rates on it. Counting never waits for a write: counts are
 * batched in memory. lib/limits/usage-meter.ts states the bounds of the error.
 */
export interface UsageMeter {
  readonly clientRates: ClientRates;
  count(tenant: TenantId, deltas: UsageDeltas): void;
  /**
   * Counts what was refused or dropped. It is written with other counts of the hour, or alone after
   * 10 s: refusals of a tenant cost a process one write in that time.
   */
  countRefusal(tenant: TenantId, code: ReasonName, count: number): void;
  /**
   * Takes amounts from the tenant's rate quotas.
   * @returns false, taking nothing, when the rates do not allow all of them now.
   */
  admits(tenant: TenantId, quotas: EffectiveQuotas, amounts: RateAmounts): boolean;
  /** Takes packets from the tenant's rate, which may go into debt by ten seconds of the rate. */
  charge(tenant: TenantId, quotas: EffectiveQuotas, packets: number): void;
  /** Whether the tenant has paid back what its messages have exceeded deliveriesPerSecond by. */
  mayDeliver(tenant: TenantId, quotas: EffectiveQuotas): boolean;
  /** Likewise of ruleDeliveriesPerSecond. */
  mayFireRules(tenant: TenantId, quotas: EffectiveQuotas): boolean;
  /** Counts deliveries, and takes them from the tenant's rate, which may go into any debt. */
  chargeDeliveries(tenant: TenantId, quotas: EffectiveQuotas, deliveries: number): void;
  /** Counts records of rules, and takes them from the tenant's rate, likewise. */
  chargeRuleDeliveries(tenant: TenantId, quotas: EffectiveQuotas, records: number): void;
  /** Gauges as of the last 5 seconds, including what this process has not written yet. */
  gauges(tenant: TenantId): Promise<UsageGauges>;
  /** Gauges as this process has last read or written them, however long ago; at first zero. */
  knownGauges(tenant: TenantId): UsageGauges;
  /**
   * Starts a recount of the gauges.
   * @returns false when one started less than `minAgeMs` ago.
   */
  beginRecount(tenant: TenantId, minAgeMs: number): Promise<boolean>;
  /** Replaces the gauges by the result of the recount that started at `atMs`. */
  finishRecount(tenant: TenantId, atMs: number, counted: UsageGauges): Promise<void>;
  /** Drops unwritten counts of a tenant that is being deleted. */
  forget(tenant: TenantId): void;
  /** Written hours from `fromHour` to `toHour`, both included, ascending. */
  report(tenant: TenantId, fromHour: string, toHour: string): Promise<UsageHour[]>;
  /** Written minutes of the hours from `fromHour` to `toHour`, both included, ascending. */
  reportMinutes(tenant: TenantId, fromHour: string, toHour: string): Promise<UsageMinute[]>;
  /** Bytes of retained messages at the start of `hour`. */
  storedBefore(tenant: TenantId, hour: string): Promise<number>;
  /**
   * Writes batches that are due. Call it at the end of every invocation; failed writes are kept.
   */
  flush(): Promise<void>;
}

/** Rate limits of single clients. lib/limits/client-rates.ts states the bounds of the error. */
export interface ClientRates {
  /**
   * Takes amounts from a client's rate quotas.
   * @param client name of the client, unique across tenants.
   * @param known use as the connection's row states it; `local` for a client without a row.
   * @returns false, taking nothing, when the rates do not allow all of them now.
   */
  admits(
    client: string,
    quotas: ClientQuotas,
    known: RateUse | undefined | 'local',
    amounts: RateAmounts,
    nowMs: number,
  ): boolean;
  /** Takes packets from a client's rate, which may go into debt by ten seconds of the rate. */
  charge(client: string, quotas: ClientQuotas, packets: number): void;
  /** The use to write to the connection's row; undefined while too little is unwritten. */
  due(client: string, known: RateUse | undefined, nowMs: number): RateUse | undefined;
  /**
   * Confirms that the use returned by {@link due} was written. Later stale reads do not undo it.
   */
  written(client: string, use: RateUse): void;
}

/** The table behind a {@link UsageMeter}. */
export interface UsageStore {
  /**
   * Adds to a tenant's hour, and to its minutes, in one write.
   * @returns the hour's totals after the write.
   */
  addCounts(tenant: TenantId, hour: string, change: HourChange): Promise<UsageCounts>;
  /**
   * Adds to the gauges and to an hour's counts of connections, usually in one write.
   * @returns the gauges after the change.
   */
  addGauges(
    tenant: TenantId,
    gauges: Partial<UsageGauges>,
    hour?: string,
    counts?: Partial<ConnectionCounts>,
  ): Promise<UsageGauges>;
  readGauges(tenant: TenantId): Promise<UsageGauges>;
  /**
   * Records the start of a recount.
   * @returns false, changing nothing, when one started after `notSinceMs`.
   */
  beginRecount(tenant: TenantId, atMs: number, notSinceMs: number): Promise<boolean>;
  /** Replaces the gauges by the result of the recount that started at `atMs`, once. */
  finishRecount(tenant: TenantId, atMs: number, counted: UsageGauges): Promise<void>;
  /**
   * Hours from `fromHour` to `toHour`, both included, ascending; hours without a write are absent.
   */
  report(tenant: TenantId, fromHour: string, toHour: string): Promise<UsageHour[]>;
  /** Minutes of these hours, likewise. */
  reportMinutes(tenant: TenantId, fromHour: string, toHour: string): Promise<UsageMinute[]>;
  /** Bytes of retained messages at the start of `hour`. */
  storedBefore(tenant: TenantId, hour: string): Promise<number>;
}

/** What is added to a tenant's hour. */
export interface HourChange {
  readonly counts: Partial<UsageCounts>;
  /** Bytes of retained messages now, if that has changed. */
  readonly storedBytes?: number | undefined;
  /** Those of `counts` that are kept by the minute, by their minutes. */
  readonly minutes?: ReadonlyMap<string, Partial<MinuteCounts>>;
  /** What was refused, by code. */
  readonly refusals?: RefusalCounts | undefined;
}

/** Counts of one tenant and hour that have just been written to the table. */
export interface UsageWritten {
  readonly tenant: TenantId;
  /** A time within the hour of the counts, in ms since 1970. */
  readonly atMs: number;
  readonly counts: Partial<UsageCounts>;
  /** Bytes of retained messages, if that has changed. */
  readonly storedBytes?: number;
}

/** A second destination of usage, beside the table. */
export interface UsageMetrics {
  /** Called once after each successful write, so never per message. Must not throw. */
  put(written: UsageWritten): void;
}
