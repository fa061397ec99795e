import type { ConnectionCounts } from '../core/usage.ts';
import { type Item, known, N, optionalNumber, optionalString, S, version } from './attributes.ts';
import type { Table } from './table.ts';

export const hourPrefix = 'hour#';
export const gaugesPart = 'now';
/** Hours are kept for 400 days: a year of bills and a month to dispute the last one. */
const hourTtlSeconds = 400 * 86_400;
/** Tenants whose current hour this process remembers. */
const maxKnownHours = 10_000;
/** Attempts to begin an hour that other processes begin as well; one of them succeeds each time. */
const maxBeginAttempts = 5;

/** Counts of connections of the hour that is current in row `now`. */
interface CurrentHour {
  readonly hour: string;
  readonly counts: ConnectionCounts;
}

interface CurrentHours {
  /** @returns row `now` after the change. */
  add(
    tenant: string,
    hour: string,
    gauges: Readonly<Record<string, number>>,
    counts: Partial<ConnectionCounts>,
  ): Promise<Item>;
  read(tenant: string): Promise<CurrentHour | undefined>;
}

/** TTL of an hour's row, in seconds since 1970. */
export function hourTtl(hour: string): number {
  return Date.parse(`${hour}:00:00Z`) / 1000 + hourTtlSeconds;
}

/**
 * A connection that opens or ends changes a gauge and counts of the hour. One write does both: row
 * `now` holds the gauges and the counts of connections of the current hour. The first write of the
 * next hour moves these counts to the row of their hour:
 *
 * 1. It sets them there, as `movedConnects` and `movedMs`. They only grow while the hour is
 *    current, so a write that comes late with smaller ones fails.
 * 2. It sets row `now` to the new hour, if the counts are still those that it has moved.
 *
 * A crash or another writer between the two leaves the old hour current: the next write repeats
 * both. Where the same hour is in both rows, row `now` is newer.
 */
export function createCurrentHours(table: Table): CurrentHours {
  /** The hour that this process has last seen as current; a hint, which saves a failed write. */
  const lastHour = new Map<string, string>();
  const nowKey = (tenant: string): Item => ({ tenant: S(tenant), part: S(gaugesPart) });

  async function read(tenant: string): Promise<CurrentHour | undefined> {
    const stored = await table.get(nowKey(tenant), true);
    if (stored === undefined) return undefined;
    const hour = optionalString(known(stored), 'current');
    const connects = optionalNumber(stored, 'connects') ?? 0;
    const connectionMs = optionalNumber(stored, 'connectionMs') ?? 0;
    return hour === undefined ? undefined : { hour, counts: { connects, connectionMs } };
  }

  /** @returns row `now` after the change; undefined if another hour is current. */
  async function addToCurrent(
    tenant: string,
    hour: string,
    amounts: Readonly<Record<string, number>>,
  ): Promise<Item | undefined> {
    const added = Object.entries(amounts);
    return changeNow(tenant, hour, {
      update: `ADD ${added.map(([name]) => `#${name} :${name}`).join(', ')}`,
      condition: '#current = :current AND v = :v',
      names: Object.fromEntries(added.map(([name]) => [`#${name}`, name])),
      values: Object.fromEntries(added.map(([name, amount]) => [`:${name}`, N(amount)])),
    });
  }

  async function moveCounts(tenant: string, { hour, counts }: CurrentHour): Promise<void> {
    await table.update(
      { tenant: S(tenant), part: S(hourPrefix + hour) },
      {
        update: 'SET v = :v, #ttl = :ttl, movedConnects = :connects, movedMs = :ms',
        condition:
          '(attribute_not_exists(v) OR v = :v) AND ' +
          '(attribute_not_exists(movedConnects) OR (movedConnects <= :connects AND movedMs <= :ms))',
        names: { '#ttl': 'ttl' },
        values: {
          ':v': version,
          ':ttl': N(hourTtl(hour)),
          ':connects': N(counts.connects),
          ':ms': N(counts.connectionMs),
        },
      },
    );
  }

  /** @returns row `now` after the change; undefined if it is no longer as it was `before`. */
  function beginHour(
    tenant: string,
    before: CurrentHour | undefined,
    next: CurrentHour & { readonly gauges: Readonly<Record<string, number>> },
  ): Promise<Item | undefined> {
    const { hour, counts, gauges } = next;
    const added = Object.entries(gauges);
    return changeNow(tenant, hour, {
      update:
        'SET v = :v, #current = :current, connects = :connects, connectionMs = :ms' +
        ` ADD ${added.map(([name]) => `#${name} :${name}`).join(', ')}`,
      condition:
        '(attribute_not_exists(v) OR v = :v) AND ' +
        (before === undefined
          ? 'attribute_not_exists(#current)'
          : '#current = :before AND connects = :connectsBefore AND connectionMs = :msBefore'),
      names: Object.fromEntries(added.map(([name]) => [`#${name}`, name])),
      values: {
        ':connects': N(counts.connects),
        ':ms': N(counts.connectionMs),
        ...Object.fromEntries(added.map(([name, amount]) => [`:${name}`, N(amount)])),
        ...(before === undefined
          ? {}
          : {
              ':before': S(before.hour),
              ':connectsBefore': N(before.counts.connects),
              ':msBefore': N(before.counts.connectionMs),
            }),
      },
    });
  }

  async function changeNow(
    tenant: string,
    hour: string,
    change: {
      readonly update: string;
      readonly condition: string;
      readonly names: Record<string, string>;
      readonly values: Item;
    },
  ): Promise<Item | undefined> {
    const after = await table.update(
      nowKey(tenant),
      {
        ...change,
        names: { ...change.names, '#current': 'current' },
        values: { ...change.values, ':current': S(hour), ':v': version },
      },
      'ALL_NEW',
    );
    lastHour.delete(tenant);
    if (after !== undefined) lastHour.set(tenant, hour);
    if (lastHour.size > maxKnownHours) lastHour.clear();
    return after;
  }

  return {
    read,
    async add(tenant, hour, gauges, { connects = 0, connectionMs = 0 }) {
      const counts = { connects, connectionMs };
      const amounts = { ...gauges, ...counts };
      if ((lastHour.get(tenant) ?? hour) === hour) {
        const added = await addToCurrent(tenant, hour, amounts);
        if (added !== undefined) return added;
      }
      for (let attempt = 0; attempt < maxBeginAttempts; attempt += 1) {
        const before = await read(tenant);
        // The clock of another process may be ahead.
        const isOver = before === undefined || before.hour < hour;
        if (before !== undefined && isOver) await moveCounts(tenant, before);
        const added = isOver
          ? await beginHour(tenant, before, { hour, counts, gauges })
          : await addToCurrent(tenant, before.hour, amounts);
        if (added !== undefined) return added;
      }
      throw new HourBusyError();
    },
  };
}

/** The caller keeps what it has to count for its next write. */
class HourBusyError extends Error {
  override readonly name = 'HourBusyError';
  constructor() {
    super('other processes kept beginning another hour');
  }
}
