import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  type ConnectionCounts,
  countNames,
  gaugeNames,
  type RefusalCounts,
  type UsageCounts,
  type UsageGauges,
  type UsageHour,
  type UsageMinute,
  type UsageStore,
} from '../core/usage.ts';
import { type Item, ItemVersionError, known, N, optionalNumber, S, string, version } from './attributes.ts';
import { createCurrentHours, gaugesPart, hourPrefix, hourTtl } from './current-hour.ts';
import { minutesFrom, packedMinutes } from './packed-minutes.ts';
import { Table } from './table.ts';

/** Of the attributes of an hour that count refusals; the code follows. */
const refusalPrefix = '!';

/**
 * Table Usage: `tenant` / `hour#2026-11-21T06` → counts of the hour and of its minutes
 * (packed-minutes.ts), `tenant` / `now` → gauges, and counts of connections of the hour that is
 * current (current-hour.ts). Refusals of an hour are its attributes `!CODE`.
 */
export function createUsageStore(client: DynamoDBClient, tableName: string): UsageStore {
  const table = new Table(client, tableName);

  async function add(
    tenant: string,
    part: string,
    deltas: Item,
    ttlSeconds: number | undefined,
    storedBytes?: number,
  ): Promise<Item> {
    const names = Object.keys(deltas);
    // Codes of refusals contain characters that a placeholder must not.
    const holder = (name: string): string => name.replaceAll(/\W/g, '_');
    const updated = await table.update(
      { tenant: S(tenant), part: S(part) },
      {
        update:
          `SET v = :v${storedBytes === undefined ? '' : ', #stored = :stored'}` +
          (ttlSeconds === undefined ? '' : ', #ttl = :ttl') +
          (names.length === 0
            ? ''
            : ` ADD ${names.map((name) => `#${holder(name)} :${holder(name)}`).join(', ')}`),
        names: {
          ...Object.fromEntries(names.map((name) => [`#${holder(name)}`, name])),
          ...(ttlSeconds === undefined ? {} : { '#ttl': 'ttl' }),
          ...(storedBytes === undefined ? {} : { '#stored': 'stored' }),
        },
        // Counts of another format version must not be changed.
        condition: 'attribute_not_exists(v) OR v = :v',
        values: {
          ':v': version,
          ...(storedBytes === undefined ? {} : { ':stored': N(storedBytes) }),
          ...Object.fromEntries(Object.entries(deltas).map(([name, delta]) => [`:${holder(name)}`, delta])),
          ...(ttlSeconds === undefined ? {} : { ':ttl': N(ttlSeconds) }),
        },
      },
      'ALL_NEW',
    );
    if (updated === undefined) throw new ItemVersionError();
    return updated;
  }

  const currentHours = createCurrentHours(table);

  /** Rows of the hours from `fromHour` to `toHour`, ascending. */
  async function* hourRows(
    tenant: string,
    fromHour: string,
    toHour: string,
  ): AsyncGenerator<{ readonly hour: string; readonly item: Item }> {
    const query = {
      KeyConditionExpression: 'tenant = :tenant AND part BETWEEN :from AND :to',
      ExpressionAttributeValues: {
        ':tenant': S(tenant),
        ':from': S(hourPrefix + fromHour),
        ':to': S(hourPrefix + toHour),
      },
    };
    for await (const item of table.items(query))
      yield { hour: string(item, 'part').slice(hourPrefix.length), item };
  }

  return {
    async addCounts(tenant, hour, { counts, storedBytes, minutes = new Map(), refusals = {} }) {
      const refused = Object.entries(refusals).map(([code, count]) => [refusalPrefix + code, count]);
      const deltas = {
        ...numbers(counts),
        ...packedMinutes(minutes),
        ...numbers(Object.fromEntries(refused)),
      };
      return countsFrom(await add(tenant, hourPrefix + hour, deltas, hourTtl(hour), storedBytes));
    },

    async addGauges(tenant, gauges, hour, counts = {}) {
      return gaugesFrom(
        hour === undefined || Object.keys(counts).length === 0
          ? await add(tenant, gaugesPart, numbers(gauges), undefined)
          : await currentHours.add(tenant, hour, { ...gauges }, counts),
      );
    },

    async readGauges(tenant) {
      const found = await table.get({ tenant: S(tenant), part: S(gaugesPart) }, false);
      return gaugesFrom(found === undefined ? {} : known(found));
    },

    async beginRecount(tenant, atMs, notSinceMs) {
      const begun = await table.update(
        { tenant: S(tenant), part: S(gaugesPart) },
        {
          update: 'SET recounted = :at, recounting = :at, v = :v',
          condition:
            '(attribute_not_exists(recounted) OR recounted <= :notSince) AND (attribute_not_exists(v) OR v = :v)',
          values: { ':at': N(atMs), ':notSince': N(notSinceMs), ':v': version },
        },
      );
      return begun !== undefined;
    },

    async finishRecount(tenant, atMs, counted) {
      await table.update(
        { tenant: S(tenant), part: S(gaugesPart) },
        {
          update: `SET ${gaugeNames.map((name) => `#${name} = :${name}`).join(', ')} REMOVE recounting`,
          condition: 'recounting = :at',
          names: Object.fromEntries(gaugeNames.map((name) => [`#${name}`, name])),
          values: {
            ':at': N(atMs),
            ...Object.fromEntries(gaugeNames.map((name) => [`:${name}`, N(counted[name])])),
          },
        },
      );
    },

    async report(tenant, fromHour, toHour) {
      const current = await currentHours.read(tenant);
      const hours: UsageHour[] = [];
      for await (const { hour, item } of hourRows(tenant, fromHour, toHour)) {
        const storedBytes = optionalNumber(item, 'stored');
        hours.push({
          hour,
          counts: withConnections(
            countsFrom(known(item)),
            hour === current?.hour ? current.counts : movedFrom(item),
          ),
          ...(storedBytes === undefined ? {} : { storedBytes }),
          ...refusalsFrom(item),
        });
      }
      if (
        current === undefined ||
        current.hour < fromHour ||
        current.hour > toHour ||
        hours.some(({ hour }) => hour === current.hour)
      )
        return hours;
      const alone = {
        hour: current.hour,
        counts: withConnections(countsFrom({}), current.counts),
      };
      return [...hours, alone].sort((one, other) => (one.hour < other.hour ? -1 : 1));
    },

    async reportMinutes(tenant, fromHour, toHour) {
      const minutes: UsageMinute[] = [];
      for await (const { hour, item } of hourRows(tenant, fromHour, toHour))
        minutes.push(...minutesFrom(known(item), hour));
      return minutes;
    },

    /** Reads back hour by hour to the last change: at most 400 days of rows. For operators only. */
    async storedBefore(tenant, hour) {
      const query = {
        KeyConditionExpression: 'tenant = :tenant AND part BETWEEN :first AND :hour',
        ExpressionAttributeValues: {
          ':tenant': S(tenant),
          ':first': S(hourPrefix),
          ':hour': S(hourPrefix + hour),
        },
        ScanIndexForward: false,
      };
      for await (const item of table.items(query)) {
        const storedBytes = optionalNumber(known(item), 'stored');
        if (storedBytes !== undefined && string(item, 'part') !== hourPrefix + hour) return storedBytes;
      }
      return 0;
    },
  };
}

function numbers(deltas: Readonly<Record<string, number>>): Item {
  return Object.fromEntries(Object.entries(deltas).map(([name, delta]) => [name, N(delta)]));
}

function movedFrom(item: Item): ConnectionCounts {
  return {
    connects: optionalNumber(item, 'movedConnects') ?? 0,
    connectionMs: optionalNumber(item, 'movedMs') ?? 0,
  };
}

function withConnections(counts: UsageCounts, { connects, connectionMs }: ConnectionCounts): UsageCounts {
  return {
    ...counts,
    connects: counts.connects + connects,
    connectionMs: counts.connectionMs + connectionMs,
  };
}

function countsFrom(item: Item): UsageCounts {
  return Object.fromEntries(countNames.map((name) => [name, optionalNumber(item, name) ?? 0])) as Record<
    (typeof countNames)[number],
    number
  >;
}

function refusalsFrom(item: Item): { refusals?: RefusalCounts } {
  const names = Object.keys(item).filter((name) => name.startsWith(refusalPrefix));
  if (names.length === 0) return {};
  const counts = names.map((name) => [name.slice(refusalPrefix.length), optionalNumber(item, name) ?? 0]);
  return { refusals: Object.fromEntries(counts) };
}

function gaugesFrom(item: Item): UsageGauges {
  return Object.fromEntries(gaugeNames.map((name) => [name, optionalNumber(item, name) ?? 0])) as Record<
    (typeof gaugeNames)[number],
    number
  >;
}
