import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RuleKey, RuleRecord } from '../../../lib/core/rules.ts';
import { ruleFailureId, type WaitingRecord } from '../../../lib/core/store-ports/rule-records.ts';
import type { World } from '../world.ts';

const failure = { code: 'rule-target-status', atMs: 7 } as const;

function recordOf({ tenant, rule }: RuleKey, id: string): RuleRecord {
  return {
    tenant,
    rule,
    lane: 'common',
    message: { id, topic: 'a/1', payload: Uint8Array.of(0, 255), qos: 1, retain: false, properties: {} },
    publishedAtMs: 1,
    hops: 0,
  };
}

/** Rows of records of rules, of failures and of circuits in table Messages. */
export function ruleRecordsContract(name: string, open: () => Promise<World>): void {
  describe(`records of rules: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());
    const start = () => {
      const { ruleRecords } = world.process();
      return { ruleRecords, key: { tenant: world.tenant(), rule: 'r' } satisfies RuleKey };
    };

    test('counts failures in a row until one succeeds', async () => {
      const { ruleRecords, key } = start();
      expect(await ruleRecords.circuit(key)).toEqual({ failures: 0 });
      expect(await ruleRecords.countFailure(key, { code: 'rule-attempt-failed', atMs: 1 })).toBe(1);
      expect(await ruleRecords.countFailure(key, failure)).toBe(2);
      expect(await ruleRecords.circuit(key)).toEqual({ failures: 2, lastFailure: failure });
      await ruleRecords.clearFailures(key);
      expect((await ruleRecords.circuit(key)).failures).toBe(0);
    });

    test('an outage begins once, and ends unless a record was parked meanwhile', async () => {
      const { ruleRecords, key } = start();
      expect(await ruleRecords.notePark(key, 'p')).toBe(false);
      expect(await ruleRecords.beginOutage(key, 'p', 9, failure)).toBe(true);
      expect(await ruleRecords.beginOutage(key, 'other', 9)).toBe(false);
      expect(await ruleRecords.noteDrain(key, 'p', 2)).toBe(true);
      expect(await ruleRecords.noteDrain(key, 'p', 1)).toBe(false);
      expect(await ruleRecords.notePark(key, 'p')).toBe(true);
      expect(await ruleRecords.postpone(key, 'p', { atMs: 20, tries: 1 })).toBe(true);
      expect(await ruleRecords.circuit(key)).toEqual({
        failures: 0,
        outage: { period: 'p', nextTryAtMs: 20, tries: 1, parked: 1, drain: 2 },
        lastFailure: failure,
      });
      expect(await ruleRecords.endOutage(key, 'p', 0)).toBe(false);
      expect(await ruleRecords.endOutage(key, 'p', 1)).toBe(true);
      expect(await ruleRecords.circuit(key)).toEqual({ failures: 0, lastFailure: failure });
    });

    test('keeps records that wait by strand, in the order of the queue', async () => {
      const { ruleRecords, key } = start();
      const waiting: WaitingRecord[] = ['10', '9', '11'].map((sequence) => ({
        record: recordOf(key, sequence),
        sequence,
        strand: sequence === '11' ? 63 : 0,
      }));
      await ruleRecords.putWaiting(key, waiting);
      await ruleRecords.putWaiting(key, waiting.slice(0, 1));
      const read = await ruleRecords.waiting(key, 0, 10);
      expect(read.map(({ record }) => record.message.id)).toEqual(['9', '10']);
      expect(read[1]?.record).toEqual(recordOf(key, '10'));
      expect(await ruleRecords.countWaiting(key, 100)).toBe(3);
      expect(await ruleRecords.countWaiting(key, 2)).toBe(2);
      await ruleRecords.removeWaiting(key, read);
      expect(await ruleRecords.waiting(key, 0, 10)).toEqual([]);
      expect(await ruleRecords.waiting({ ...key, rule: 'r2' }, 63, 10)).toEqual([]);
    });

    test('permits of a tenant are taken by so many at a time, until they end or are returned', async () => {
      const { ruleRecords, key } = start();
      const { tenant } = key;
      const untilMs = world.clock.now() + 60_000;
      const take = () => ruleRecords.takePermit(tenant, 2, untilMs);
      const taken = (await Promise.all([take(), take(), take()])).flatMap((one) => one ?? []);
      expect(taken.map(({ number }) => number).sort()).toEqual([0, 1]);
      const other = world.tenant();
      expect(await ruleRecords.takePermit(other, 1, 1)).toEqual({ number: 0, untilMs: 1 });
      // That one has ended.
      const next = await ruleRecords.takePermit(other, 1, untilMs);
      expect(next).toEqual({ number: 0, untilMs });
      await ruleRecords.returnPermit(other, { number: 0, untilMs: 1 });
      expect(await ruleRecords.takePermit(other, 1, untilMs)).toBeUndefined();
      const [first] = taken;
      if (first !== undefined) await ruleRecords.returnPermit(tenant, first);
      expect(await take()).toEqual(first);
    });

    test('keeps failures by time, and no more of a day than a rule may have', async () => {
      const { ruleRecords, key } = start();
      const failures = ['a', 'b', 'c'].map((id, index) => {
        const record = { ...recordOf(key, id), publishedAtMs: index, failure: failure.code };
        return { id: ruleFailureId(record), record, atMs: 7 };
      });
      await ruleRecords.putFailures(key, failures);
      expect(await ruleRecords.failures(key, 2)).toEqual(failures.slice(0, 2));
      expect(await ruleRecords.failures(key, 2, failures[1]?.id)).toEqual(failures.slice(2));
      const [first, second] = failures;
      if (first === undefined || second === undefined) throw new Error('no failures');
      // One that has been written again stays.
      await ruleRecords.removeFailures(key, [first, { ...second, atMs: 8 }]);
      expect(
        await ruleRecords.getFailures(
          key,
          failures.map(({ id }) => id),
        ),
      ).toHaveLength(2);
      expect(await ruleRecords.takeFailureRoom(key, '2026-11-28', 2, 3)).toBe(true);
      expect(await ruleRecords.takeFailureRoom(key, '2026-11-28', 2, 3)).toBe(false);
      expect(await ruleRecords.takeFailureRoom(key, '2026-11-29', 2, 3)).toBe(true);
      // The clock of another function is behind: its failures count to the later day.
      expect(await ruleRecords.takeFailureRoom(key, '2026-11-28', 2, 3)).toBe(false);
      expect(await ruleRecords.takeFailureRoom(key, '2026-11-28', 1, 3)).toBe(true);
      expect(await ruleRecords.takeFailureRoom(key, '2026-11-29', 1, 3)).toBe(false);
    });

    test('clears all rows of a rule, and none of another', async () => {
      const { ruleRecords, key } = start();
      const other = { ...key, rule: 'r2' };
      for (const one of [key, other]) {
        await ruleRecords.countFailure(one, failure);
        await ruleRecords.putWaiting(one, [{ record: recordOf(one, 'a'), sequence: '1', strand: 5 }]);
      }
      while (await ruleRecords.clear(key));
      expect(await ruleRecords.circuit(key)).toEqual({ failures: 0 });
      expect(await ruleRecords.countWaiting(key, 10)).toBe(0);
      expect(await ruleRecords.countWaiting(other, 10)).toBe(1);
    });
  });
}
