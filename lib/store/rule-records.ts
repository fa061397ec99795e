import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { concurrently } from '../core/concurrently.ts';
import type { ReasonName } from '../core/reasons.ts';
import { type RuleKey, ruleStrands } from '../core/rules.ts';
import type { LastFailure, RuleCircuit, RuleRecordStore } from '../core/store-ports/rule-records.ts';
import type { TenantId } from '../core/tenant-id.ts';
import {
  type Item,
  known,
  N,
  number,
  optionalNumber,
  optionalString,
  S,
  string,
  ttl,
  version,
} from './attributes.ts';
import { scoped } from './keys.ts';
import {
  failureFrom,
  failureItem,
  failurePart,
  failurePrefix,
  waitingFrom,
  waitingItem,
  waitingPart,
  waitingPrefix,
} from './rule-record-items.ts';
import { type Condition, Table } from './table.ts';

/**
 * Time for which a record may wait, in days. Only those of paused rules and suspended tenants wait
 * longer than the 96 hours of `retryHours`; SQS itself would keep them for 14 days.
 */
const waitingTtlSeconds = 30 * 86_400;
const failureTtlSeconds = 14 * 86_400;
/** Of a circuit: longer than that of the rows that it tells of. */
const circuitTtlSeconds = 60 * 86_400;
const circuitPart = 'circuit';
/** Of permits: each lasts for less than a minute. */
const permitsTtlSeconds = 3_600;
/** Rows that one call of `clear` reads in each partition. */
const clearedAtOnce = 100;
/** Requests of one removal of failures at a time: each has a condition, so none has two rows. */
const removedAtOnce = 25;

/**
 * Table Messages, all rows with a TTL:
 * - `tenant/rule#NAME` / `circuit`: failures in a row, the outage, the latest failure.
 * - `tenant/rule#NAME` / `d#` + id: a failure.
 * - `tenant/rules` / `permits`: until when each permit of the tenant is taken (`p0`, `p1`, …).
 * - `tenant/rule#NAME#STRAND` / `w#` + sequence: a record that waits. Each strand is a partition,
 *   so that a flood may be stored at 1,000 units a second in each.
 */
export function createRuleRecordStore(
  client: DynamoDBClient,
  tableName: string,
  nowMs: () => number,
): RuleRecordStore {
  const table = new Table(client, tableName);

  async function updateCircuit(
    key: RuleKey,
    update: string,
    { condition, values }: Partial<Pick<Condition, 'condition' | 'values'>>,
  ): Promise<Item | undefined> {
    return table.update(
      circuitKey(key),
      {
        update: `SET v = :v, #ttl = :ttl${update}`,
        ...(condition === undefined ? {} : { condition }),
        names: { '#ttl': 'ttl' },
        values: { ':v': version, ':ttl': ttl(nowMs(), circuitTtlSeconds), ...values },
      },
      'ALL_NEW',
    );
  }

  async function removeParts(bucket: string, parts: readonly string[]): Promise<void> {
    await table.writeMany(
      parts.map((part) => ({ DeleteRequest: { Key: { bucket: S(bucket), part: S(part) } } })),
    );
  }

  /** Rows of a partition whose sort keys begin with a prefix. */
  function rowsQuery(bucket: string, prefix: string) {
    return {
      KeyConditionExpression: '#bucket = :bucket AND begins_with(#part, :prefix)',
      ExpressionAttributeNames: { '#bucket': 'bucket', '#part': 'part' },
      ExpressionAttributeValues: { ':bucket': S(bucket), ':prefix': S(prefix) },
    };
  }

  return {
    async circuit(key) {
      const row = await table.get(circuitKey(key), true);
      return row === undefined ? { failures: 0 } : circuitFrom(known(row));
    },

    async countFailure(key, failure) {
      const last = lastFailureUpdate(failure);
      const row = await updateCircuit(key, `${last.set} ADD failures :one`, {
        values: { ':one': N(1), ...last.values },
      });
      return row === undefined ? 0 : number(row, 'failures');
    },

    async clearFailures(key) {
      await updateCircuit(key, ', failures = :zero', {
        condition: 'attribute_exists(failures)',
        values: { ':zero': N(0) },
      });
    },

    async beginOutage(key, period, nextTryAtMs, failure) {
      const last = lastFailureUpdate(failure);
      const begun = await updateCircuit(
        key,
        `, period = :period, nextTry = :next, tries = :zero, parked = :zero, drain = :zero${last.set}`,
        {
          condition: 'attribute_not_exists(period)',
          values: { ':period': S(period), ':next': N(nextTryAtMs), ':zero': N(0), ...last.values },
        },
      );
      return begun !== undefined;
    },

    async noteDrain(key, period, drain) {
      const noted = await updateCircuit(key, ', drain = :drain', {
        condition: 'period = :period AND drain <= :drain',
        values: { ':period': S(period), ':drain': N(drain) },
      });
      return noted !== undefined;
    },

    async postpone(key, period, { atMs, tries, failure }) {
      const last = lastFailureUpdate(failure);
      const postponed = await updateCircuit(key, `, nextTry = :next, tries = :tries${last.set}`, {
        condition: 'period = :period',
        values: { ':period': S(period), ':next': N(atMs), ':tries': N(tries), ...last.values },
      });
      return postponed !== undefined;
    },

    async endOutage(key, period, parked) {
      const ended = await updateCircuit(
        key,
        ', failures = :zero REMOVE period, nextTry, tries, parked, drain',
        {
          condition: 'period = :period AND parked = :parked',
          values: { ':period': S(period), ':parked': N(parked), ':zero': N(0) },
        },
      );
      return ended !== undefined;
    },

    async putWaiting(key, waiting) {
      const until = ttl(nowMs(), waitingTtlSeconds);
      await table.putMany(
        waiting.map((one) => ({
          bucket: S(strandBucket(key, one.strand)),
          part: S(waitingPart(one.sequence)),
          ttl: until,
          ...waitingItem(one),
        })),
      );
    },

    async notePark(key, period) {
      const noted = await updateCircuit(key, ', parked = parked + :one', {
        condition: 'period = :period',
        values: { ':period': S(period), ':one': N(1) },
      });
      return noted !== undefined;
    },

    async waiting(key, strand, limit) {
      const query = { ...rowsQuery(strandBucket(key, strand), waitingPrefix), ConsistentRead: true };
      const { items } = await table.page({ ...query, Limit: limit });
      return items.map((row) => waitingFrom(key, strand, known(row), string(row, 'part')));
    },

    async removeWaiting(key, waiting) {
      await table.writeMany(
        waiting.map(({ strand, sequence }) => ({
          DeleteRequest: {
            Key: { bucket: S(strandBucket(key, strand)), part: S(waitingPart(sequence)) },
          },
        })),
      );
    },

    async countWaiting(key, atMost) {
      // Only as many rows of each strand are read as the count may have.
      const perStrand = await Promise.all(
        strands.map(async (strand) => {
          const query = rowsQuery(strandBucket(key, strand), waitingPrefix);
          let counted = 0;
          let start: Item | undefined;
          do {
            const page = await table.page({
              ...query,
              Select: 'COUNT',
              Limit: atMost - counted,
              ...(start === undefined ? {} : { ExclusiveStartKey: start }),
            });
            counted += page.count;
            start = page.next;
          } while (start !== undefined && counted < atMost);
          return counted;
        }),
      );
      return Math.min(
        atMost,
        perStrand.reduce((sum, count) => sum + count, 0),
      );
    },

    async takeFailureRoom(key, day, count, perDay) {
      if (count > perDay) return false;
      const values = { ':day': S(day), ':count': N(count) };
      const isFirst = await updateCircuit(key, ', failureDay = :day, failureCount = :count', {
        condition: 'attribute_not_exists(failureDay) OR failureDay < :day',
        values,
      });
      if (isFirst !== undefined) return true;
      const taken = await updateCircuit(key, ', failureCount = failureCount + :count', {
        condition: 'failureDay >= :day AND failureCount <= :most',
        values: { ...values, ':most': N(perDay - count) },
      });
      return taken !== undefined;
    },

    async putFailures(key, failures) {
      const until = ttl(nowMs(), failureTtlSeconds);
      await table.putMany(
        failures.map((failure) => ({
          bucket: S(ruleBucket(key)),
          part: S(failurePart(failure.id)),
          ttl: until,
          ...failureItem(failure),
        })),
      );
    },

    async failures(key, limit, after) {
      const { items } = await table.page({
        ...rowsQuery(ruleBucket(key), failurePrefix),
        Limit: limit,
        ...(after === undefined ? {} : { ExclusiveStartKey: failureKey(key, after) }),
      });
      return items.map((row) => failureFrom(key, known(row)));
    },

    async getFailures(key, ids) {
      const rows = await table.getMany(
        [...new Set(ids)].map((id) => failureKey(key, id)),
        true,
      );
      return rows.map((row) => failureFrom(key, known(row)));
    },

    async removeFailures(key, failures) {
      await concurrently(failures, removedAtOnce, async ({ id, atMs }) => {
        await table.deleteIf(failureKey(key, id), {
          condition: 'failedAt = :at',
          values: { ':at': N(atMs) },
        });
      });
    },

    async mayTell(key, failure, notSinceMs) {
      const last = lastFailureUpdate(failure);
      const noted = await updateCircuit(key, `, told = :told${last.set}`, {
        condition: 'attribute_not_exists(told) OR told <= :since',
        values: { ':told': N(failure.atMs), ':since': N(notSinceMs), ...last.values },
      });
      return noted !== undefined;
    },

    async takePermit(tenant, most, untilMs) {
      const numbers = Array.from({ length: most }, (_, number) => number);
      // Of those that want the same permit one gets it: after as many rounds none is left.
      for (let round = 0; round < most; round += 1) {
        const row = await table.get(permitsKey(tenant), true);
        const free = numbers.find((one) => (optionalNumber(row ?? {}, `p${one}`) ?? 0) <= nowMs());
        if (free === undefined) return undefined;
        const taken = await table.update(permitsKey(tenant), {
          update: 'SET v = :v, #ttl = :ttl, #permit = :until',
          condition: 'attribute_not_exists(#permit) OR #permit <= :now',
          names: { '#ttl': 'ttl', '#permit': `p${free}` },
          values: {
            ':v': version,
            ':ttl': ttl(nowMs(), permitsTtlSeconds),
            ':until': N(untilMs),
            ':now': N(nowMs()),
          },
        });
        if (taken !== undefined) return { number: free, untilMs };
      }
      return undefined;
    },

    async returnPermit(tenant, { number: one, untilMs }) {
      await table.update(permitsKey(tenant), {
        update: 'REMOVE #permit',
        condition: '#permit = :until',
        names: { '#permit': `p${one}` },
        values: { ':until': N(untilMs) },
      });
    },

    async clear(key) {
      const cleared = await Promise.all(
        [ruleBucket(key), ...strands.map((strand) => strandBucket(key, strand))].map(async (bucket) => {
          const page = await table.page({
            KeyConditionExpression: '#bucket = :bucket',
            ExpressionAttributeNames: { '#bucket': 'bucket', '#part': 'part' },
            ExpressionAttributeValues: { ':bucket': S(bucket) },
            ProjectionExpression: '#part',
            ConsistentRead: true,
            Limit: clearedAtOnce,
          });
          await removeParts(
            bucket,
            page.items.map((row) => string(row, 'part')),
          );
          return page.next !== undefined;
        }),
      );
      return cleared.includes(true);
    },
  };
}

const strands = Array.from({ length: ruleStrands }, (_, strand) => strand);

function ruleBucket({ tenant, rule }: RuleKey): string {
  return scoped(tenant, `rule#${rule}`);
}

function strandBucket(key: RuleKey, strand: number): string {
  return `${ruleBucket(key)}#${strand}`;
}

function circuitKey(key: RuleKey): Record<'bucket' | 'part', AttributeValue> {
  return { bucket: S(ruleBucket(key)), part: S(circuitPart) };
}

function permitsKey(tenant: TenantId): Record<'bucket' | 'part', AttributeValue> {
  return { bucket: S(scoped(tenant, 'rules')), part: S('permits') };
}

function failureKey(key: RuleKey, id: string): Item {
  return { bucket: S(ruleBucket(key)), part: S(failurePart(id)) };
}

function lastFailureUpdate(failure: LastFailure | undefined): {
  readonly set: string;
  readonly values: Record<string, AttributeValue>;
} {
  if (failure === undefined) return { set: '', values: {} };
  return {
    set: ', lastCode = :code, lastAt = :at',
    values: { ':code': S(failure.code), ':at': N(failure.atMs) },
  };
}

function circuitFrom(row: Item): RuleCircuit {
  const period = optionalString(row, 'period');
  const code = optionalString(row, 'lastCode');
  return {
    failures: optionalNumber(row, 'failures') ?? 0,
    ...(period === undefined
      ? {}
      : {
          outage: {
            period,
            nextTryAtMs: number(row, 'nextTry'),
            tries: number(row, 'tries'),
            parked: number(row, 'parked'),
            drain: number(row, 'drain'),
          },
        }),
    ...(code === undefined
      ? {}
      : // A worker has written it.
        { lastFailure: { code: code as ReasonName, atMs: number(row, 'lastAt') } }),
  };
}
