import { describe, expect, it } from 'vitest';
import { metrics } from '../../lib/core/metrics.ts';
import type { Rule, RuleKey, RuleTarget } from '../../lib/core/rules.ts';
import { countWaitingRecords, listFailures, redriveFailures } from '../../lib/rules/run/failures.ts';
import { wakeRule } from '../../lib/rules/run/outage.ts';
import type { DeliveryOutcome } from '../../lib/rules/target.ts';
import { RuleWorld } from './rule-world.ts';

const fails: DeliveryOutcome = { kind: 'retry', code: 'rule-target-status' };
const refuses: DeliveryOutcome = { kind: 'refused', code: 'rule-target-refused' };
const takes: DeliveryOutcome = { kind: 'delivered' };
const hourMs = 3_600_000;

async function worldWithRule(changes = {}): Promise<RuleWorld> {
  const world = new RuleWorld(1);
  await world.storeRule(changes);
  return world;
}

function keyOf(world: RuleWorld): RuleKey {
  return { tenant: world.tenant, rule: 'r' };
}

const failuresOf = async (world: RuleWorld) =>
  (await listFailures(world.stores, keyOf(world), { limit: 100 })).failures;

describe('a record that its target refuses', () => {
  it('becomes a failure at once, and those behind it are delivered', async () => {
    const world = await worldWithRule();
    const answers = [takes, refuses, takes];
    world.answer = () => answers.shift() ?? takes;
    const [one, two, three] = ['a', 'a', 'a'].map((topic) => world.publish(topic));
    await world.settle();
    expect(world.delivered).toEqual([one, three]);
    const failures = await failuresOf(world);
    expect(failures.map(({ record }) => `${record.message.id}.r`)).toEqual([two]);
    expect(failures[0]?.record.failure).toBe('rule-target-refused');
    expect(world.counters.get(metrics.rulesDead)).toBe(1);
    expect(world.queued).toBe(0);
  });
});

describe('a record that cannot be delivered', () => {
  it('waits in a row, and becomes a failure when its hours are over', async () => {
    const world = await worldWithRule({ retryHours: 2 });
    world.answer = () => fails;
    for (const topic of ['a', 'b', 'a', 'c']) world.publish(topic);
    await world.settle(6);
    expect(await countWaitingRecords(world.stores, keyOf(world))).toBe(4);
    expect(await failuresOf(world)).toEqual([]);
    world.nowMs += 2 * hourMs;
    await world.settle(6);
    expect(await failuresOf(world)).toHaveLength(4);
    expect(world.counters.get(metrics.rulesDead)).toBe(4);
    // The outage ends with the last record that waits.
    expect(world.queued).toBe(0);
    expect(await world.stores.ruleRecords.circuit(keyOf(world))).not.toHaveProperty('outage');
  });

  it('is tried less and less often: two attempts at each try', async () => {
    const world = await worldWithRule();
    let attempts = 0;
    world.answer = () => {
      attempts += 1;
      return fails;
    };
    for (let number = 0; number < 200; number += 1) world.publish(`topic/${number}`);
    await world.settle(2);
    expect(await countWaitingRecords(world.stores, keyOf(world))).toBe(200);
    const before = attempts;
    world.nowMs += 15 * 60_000;
    await world.settle(1);
    expect(attempts - before).toBe(2);
  });

  it('waits however long while its rule is paused, and is delivered when it is resumed', async () => {
    const world = await worldWithRule({ retryHours: 1, status: 'paused' });
    const ids = ['a', 'a', 'b'].map((topic) => world.publish(topic));
    await world.settle(300);
    expect(world.delivered).toEqual([]);
    expect(await countWaitingRecords(world.stores, keyOf(world))).toBe(3);
    await world.stores.rules.setStatus(world.tenant, 'r', 'active');
    await wakeRule(world.operator, keyOf(world), 'common');
    await world.scheduler.run();
    // The request that waited and the one that woke the rule may run at the same time.
    expect([...new Set(world.delivered)].toSorted()).toEqual(ids);
    await world.settle();
    expect(await failuresOf(world)).toEqual([]);
    expect(world.queued).toBe(0);
  });

  it('waits however long while its tenant is suspended, and is delivered afterwards', async () => {
    const world = await worldWithRule({ retryHours: 1 });
    const ids = ['a', 'a', 'b'].map((topic) => world.publish(topic));
    world.setTenantStatus('suspended');
    await world.settle(300);
    expect(world.delivered).toEqual([]);
    expect(await countWaitingRecords(world.stores, keyOf(world))).toBe(3);
    world.setTenantStatus('active');
    await world.settle();
    expect(world.delivered.toSorted()).toEqual(ids);
    expect(world.delivered.indexOf(ids[0] ?? '')).toBeLessThan(world.delivered.indexOf(ids[1] ?? ''));
    expect(await failuresOf(world)).toEqual([]);
    expect(world.queued).toBe(0);
  });

  it('follows its rule to another kind of target, which another function serves', async () => {
    const world = await worldWithRule();
    world.answer = () => fails;
    const ids = ['a', 'a', 'b'].map((topic) => world.publish(topic));
    await world.settle(3);
    expect(await countWaitingRecords(world.stores, keyOf(world))).toBe(3);
    const stored = await world.stores.rules.read(world.tenant, 'r', true);
    if (stored === undefined) throw new Error('the rule is gone');
    const target: RuleTarget = {
      kind: 'kafka',
      brokers: ['b:9092'],
      topic: 't',
      tls: true,
      auth: { method: 'none' },
    };
    await world.stores.rules.put(world.tenant, { ...stored.rule, target }, [], stored.revision);
    world.answer = () => takes;
    world.nowMs += 1_000_000;
    await world.settle();
    expect([...new Set(world.delivered)].toSorted()).toEqual(ids);
    expect(world.lanes).toContain('kafka');
    expect(world.waitingRows()).toEqual([]);
    expect(world.queued).toBe(0);
  });

  it('pauses its rule when the target is gone, and waits', async () => {
    const world = await worldWithRule();
    world.answer = () => ({ kind: 'gone', code: 'rule-target-gone' });
    world.publish('a');
    world.publish('b');
    await world.scheduler.run();
    expect((await world.stores.rules.read(world.tenant, 'r', true))?.rule.status).toBe('paused');
    expect(await countWaitingRecords(world.stores, keyOf(world))).toBe(2);
    expect(world.counters.get(metrics.rulesPaused)).toBeGreaterThan(0);
  });

  it('is dropped and counted when its rule is deleted, wherever it waits', async () => {
    const world = await worldWithRule();
    world.answer = () => fails;
    for (let number = 0; number < 4; number += 1) world.publish('a');
    await world.settle(2);
    world.publish('b');
    await world.stores.rules.delete(world.tenant, 'r', 1);
    world.nowMs += 10_000;
    await world.settle();
    expect(world.counters.get(metrics.ruleRecordsDropped)).toBe(1);
    // Permits of the tenant's workers are not the rule's.
    const left = world.db.rows('messages').filter(({ part }) => part?.S !== 'permits');
    expect(left).toEqual([]);
    expect(world.queued).toBe(0);
  });

  it('of a deleted rule does not go to a new one of its name', async () => {
    const world = await worldWithRule();
    world.publish('a');
    await world.stores.rules.delete(world.tenant, 'r', 1);
    world.nowMs += 10_000;
    await world.storeRule();
    const fresh = world.publish('a');
    await world.settle();
    expect(world.delivered).toEqual([fresh]);
  });
});

describe('a record whose pattern took too many steps for the publish', () => {
  it('is delivered if the pattern selects it, and goes otherwise', async () => {
    const world = await worldWithRule({ where: '{"topic":["a"]}' });
    world.publish('b', { undecided: true });
    world.publish('a', { undecided: true });
    await world.settle();
    expect(world.delivered).toEqual(['0002.r']);
    expect(world.queued).toBe(0);
    expect(world.counters.get(metrics.rulesDelivered)).toBe(1);
  });
});

describe('redrive', () => {
  it('sends failures again in their order, with their ids, and removes them', async () => {
    const world = await worldWithRule();
    world.answer = () => refuses;
    const ids = ['a', 'a', 'a'].map((topic) => world.publish(topic));
    await world.settle();
    world.answer = () => takes;
    expect(await redriveFailures(world.operator, keyOf(world), 'common', 'all')).toEqual({
      count: 3,
      isPartial: false,
    });
    await world.settle();
    expect(world.delivered).toEqual(ids);
    expect(await failuresOf(world)).toEqual([]);
  });

  it('gives a record new hours, and keeps one that fails again', async () => {
    const world = await worldWithRule({ retryHours: 1 });
    world.answer = () => refuses;
    world.publish('a');
    world.publish('a');
    await world.settle();
    const [first] = await failuresOf(world);
    world.nowMs += 5 * hourMs;
    const redriven = await redriveFailures(world.operator, keyOf(world), 'common', [
      first?.id ?? '',
      'unknown',
    ]);
    expect(redriven).toEqual({ count: 1, isPartial: false });
    world.answer = () => fails;
    await world.scheduler.run();
    expect(await failuresOf(world)).toHaveLength(1);
    world.answer = () => refuses;
    await world.settle();
    const failures = await failuresOf(world);
    expect(failures).toHaveLength(2);
    expect(new Set(failures.map(({ id }) => id)).size).toBe(2);
  });

  it('leaves a failure that has failed again before the call ends', async () => {
    const world = await worldWithRule();
    world.answer = () => refuses;
    world.publish('a');
    await world.settle();
    const context = world.operator;
    // The worker is faster than the removal.
    const send = async (records: Parameters<typeof context.ruleQueue.send>[0]) => {
      await context.ruleQueue.send(records);
      world.nowMs += 1;
      await world.settle();
    };
    await redriveFailures(
      { ...context, ruleQueue: { ...context.ruleQueue, send } },
      keyOf(world),
      'common',
      'all',
    );
    expect(await failuresOf(world)).toHaveLength(1);
  });

  it('leaves a failure that has been written again under the same id', async () => {
    const world = await worldWithRule();
    world.answer = () => refuses;
    world.publish('a');
    await world.settle();
    const [failure] = await failuresOf(world);
    const { operator } = world;
    // The queue has delivered the first record twice, and it fails for the second time now.
    const send = async (records: Parameters<typeof operator.ruleQueue.send>[0]) => {
      await operator.ruleQueue.send(records);
      if (failure !== undefined)
        await operator.ruleRecords.putFailures(keyOf(world), [{ ...failure, atMs: failure.atMs + 1 }]);
    };
    await redriveFailures(
      { ...operator, ruleQueue: { ...operator.ruleQueue, send } },
      keyOf(world),
      'common',
      'all',
    );
    expect((await failuresOf(world)).map(({ id, atMs }) => [id, atMs])).toEqual([
      [failure?.id, (failure?.atMs ?? 0) + 1],
    ]);
  });

  it('by a function whose clock is behind loses nothing: the queue must not take it for a repetition', async () => {
    const world = await worldWithRule();
    world.answer = () => refuses;
    const id = world.publish('a');
    await world.settle();
    const atMs = world.nowMs;
    const redriveThen = async () => {
      world.nowMs = atMs;
      expect(await redriveFailures(world.operator, keyOf(world), 'common', 'all')).toMatchObject({
        count: 1,
      });
    };
    await redriveThen();
    await world.scheduler.run();
    world.answer = () => takes;
    await redriveThen();
    await world.settle();
    expect(world.delivered).toEqual([id]);
    expect(await failuresOf(world)).toEqual([]);
  });
});

describe('a rule whose kind of target changes', () => {
  const kafkaTarget: RuleTarget = {
    kind: 'kafka',
    brokers: ['b:9092'],
    topic: 't',
    tls: true,
    auth: { method: 'none' },
  };
  const change = async (world: RuleWorld, changes: Partial<Rule>) => {
    const stored = await world.stores.rules.read(world.tenant, 'r', true);
    if (stored === undefined) throw new Error('the rule is gone');
    await world.stores.rules.put(world.tenant, { ...stored.rule, ...changes }, [], stored.revision);
    // What workers remember of it ends.
    world.nowMs += 6_000;
    return stored.rule;
  };

  it('and changes back within 5 minutes keeps its records', async () => {
    const world = await worldWithRule();
    const id = world.publish('a');
    const { target } = await change(world, { target: kafkaTarget });
    world.afterSend = async () => {
      world.afterSend = undefined;
      await change(world, { target });
    };
    await world.settle();
    expect(world.delivered).toEqual([id]);
    expect(world.queued).toBe(0);
  });

  it('to one that the deployment does not serve keeps its records, and leaves the queue', async () => {
    const world = await worldWithRule();
    world.lanesOf(['common']);
    const ids = ['a', 'a', 'b'].map((topic) => world.publish(topic));
    const { target } = await change(world, { target: kafkaTarget });
    await world.settle(8);
    expect(await countWaitingRecords(world.stores, keyOf(world))).toBe(3);
    await change(world, { target });
    await wakeRule(world.operator, keyOf(world), 'common');
    await world.settle();
    expect([...new Set(world.delivered)].toSorted()).toEqual(ids);
    expect(world.queued).toBe(0);
  });

  it('sends failures again to the target that it has now', async () => {
    const world = await worldWithRule();
    world.answer = () => refuses;
    const id = world.publish('a');
    await world.settle();
    await change(world, { target: kafkaTarget });
    world.answer = () => takes;
    await redriveFailures(world.operator, keyOf(world), 'kafka', 'all');
    await world.settle();
    expect(world.delivered).toEqual([id]);
  });
});

describe('the bound of failures', () => {
  it('counts those beyond what a rule may have in one day', async () => {
    const world = await worldWithRule();
    const records = world.stores.ruleRecords;
    const key = keyOf(world);
    expect(await records.takeFailureRoom(key, '2026-01-01', 10, 12)).toBe(true);
    expect(await records.takeFailureRoom(key, '2026-01-01', 3, 12)).toBe(false);
    expect(await records.takeFailureRoom(key, '2026-01-01', 2, 12)).toBe(true);
    expect(await records.takeFailureRoom(key, '2026-01-02', 12, 12)).toBe(true);
    expect(await records.takeFailureRoom(key, '2026-01-02', 13, 12)).toBe(false);
  });
});
