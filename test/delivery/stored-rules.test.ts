import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Context } from '../../lib/core/context.ts';
import type { Rule } from '../../lib/core/rules.ts';
import { type TenantId, vouchedTenantId } from '../../lib/core/tenant-id.ts';
import type { Timer } from '../../lib/core/timers.ts';
import { deleteRule, eraseRecords, putRule } from '../../lib/delivery/rules.ts';
import { usesOfShapes } from '../../lib/limits/shape-walk.ts';
import { makeRoomForShapes } from '../../lib/limits/shapes.ts';
import type { StoreCall } from '../../lib/local/dynamodb/call.ts';
import { intercept } from '../../lib/local/dynamodb/intercept.ts';
import { localTables, startTestService, type TestService } from '../support/service.ts';
import { ruleOf } from './rules.ts';

const tenant: TenantId = vouchedTenantId('acme');
const filters = ['orders/+', 'orders/#', 'devices/+/state'];

let service: TestService;
let context: Context;
/** The number of the call before which the store stops answering; the count of calls until then. */
let stopAt: number | undefined;
let calls: number;
let beforeCall: ((call: StoreCall) => unknown) | undefined;

beforeEach(async () => {
  stopAt = undefined;
  calls = 0;
  beforeCall = undefined;
  service = await startTestService({
    wrapStore: (handler) =>
      intercept(handler, {
        async before(call) {
          if (stopAt !== undefined && calls >= stopAt) throw new Stopped();
          // The partitions of a rule's records are read side by side: 65 calls count as none.
          if (call.operation === 'Query' && call.tables.includes(localTables.messages)) return;
          calls += 1;
          await beforeCall?.(call);
        },
      }),
  });
  await service.tenant(tenant);
  ({ context } = service.service);
});
afterEach(() => service.close());

class Stopped extends Error {
  override readonly name = 'AbortError';
}

/** Runs `work` with a crash before its call `number`. @returns whether it had so many calls. */
async function stopsBefore(number: number, work: () => Promise<unknown>): Promise<boolean> {
  calls = 0;
  stopAt = number;
  const ended = await work().then(
    () => true,
    () => false,
  );
  stopAt = undefined;
  return !ended;
}

/** Names of the rules that a publish finds, by filter. */
async function found(): Promise<Record<string, readonly string[]>> {
  const pages = await Promise.all(
    filters.map((filter) => context.subscriptions.audience(tenant, filter, { consistent: true, limit: 1 })),
  );
  return Object.fromEntries(
    filters.flatMap((filter, index) => {
      const names = (pages[index]?.rules ?? []).map(({ name }) => name);
      return names.length === 0 ? [] : [[filter, names]];
    }),
  );
}

const shapes = async () => [...((await context.tenants.readLive(tenant, true))?.shapes ?? [])].sort();

describe('a rule is stored', () => {
  test('with its shape, so that publishes find it; and its revision', async () => {
    expect(await putRule(context, tenant, ruleOf('r'))).toEqual({ revision: 1, created: true });
    expect(await shapes()).toEqual(['=/+']);
    expect(await found()).toEqual({ 'orders/+': ['r'] });
    expect(await putRule(context, tenant, ruleOf('r', { where: '{"qos":[1]}' }))).toEqual({
      revision: 2,
      created: false,
    });
    const page = await context.subscriptions.audience(tenant, 'orders/+', { consistent: true, limit: 1 });
    expect(page.rules).toEqual([{ name: 'r', lane: 'common', where: '{"qos":[1]}' }]);
  });

  test('under its new filter only, once that has changed', async () => {
    await putRule(context, tenant, ruleOf('r'));
    await putRule(context, tenant, ruleOf('r', { filter: 'orders/#' }));
    expect(await found()).toEqual({ 'orders/#': ['r'] });
    expect((await context.rules.read(tenant, 'r', true))?.formerFilters).toEqual([]);
  });

  test('only in place of the revision that the caller has read', async () => {
    expect(await putRule(context, tenant, ruleOf('r'), 1)).toEqual({ code: 'rule-changed' });
    expect(await putRule(context, tenant, ruleOf('r'), 0)).toMatchObject({ revision: 1 });
    expect(await putRule(context, tenant, ruleOf('r', { retryHours: 1 }), 0)).toEqual({
      code: 'rule-changed',
    });
    expect(await putRule(context, tenant, ruleOf('r', { retryHours: 1 }), 1)).toMatchObject({ revision: 2 });
  });

  test('unless the tenant has as many rules as it may; changing one is allowed', async () => {
    const small = vouchedTenantId('small');
    await service.tenant(small, { quotas: { rules: 2 } });
    for (const name of ['a', 'b']) await putRule(context, small, ruleOf(name));
    expect(await putRule(context, small, ruleOf('c'))).toEqual({ code: 'rules-full' });
    expect(await putRule(context, small, ruleOf('b', { retryHours: 1 }))).toMatchObject({ revision: 2 });
    await deleteRule(context, small, 'a');
    expect(await putRule(context, small, ruleOf('c'))).toMatchObject({ revision: 1 });
  });

  test('unless 8 rules have its filter', async () => {
    for (let index = 0; index < 8; index += 1) await putRule(context, tenant, ruleOf(`r${index}`));
    expect(await putRule(context, tenant, ruleOf('more'))).toEqual({ code: 'rules-of-filter-full' });
    expect(await putRule(context, tenant, ruleOf('more', { filter: 'orders/#' }))).toMatchObject({
      revision: 1,
    });
    expect(await putRule(context, tenant, ruleOf('more'))).toEqual({ code: 'rules-of-filter-full' });
  });

  test('unless the tenant has no room for its shape, also after a search for unused ones', async () => {
    const small = vouchedTenantId('small');
    await service.tenant(small, { quotas: { shapes: 1 } });
    await putRule(context, small, ruleOf('a'));
    expect(await putRule(context, small, ruleOf('b', { filter: '#' }))).toEqual({ code: 'rule-shapes-full' });
    expect(await putRule(context, small, ruleOf('b', { filter: 'other/+' }))).toMatchObject({ revision: 1 });
    expect(await context.rules.read(small, 'a', true)).toBeDefined();
  });

  test('unless rules are switched off', async () => {
    const { ruleQueue: _, ...without } = context;
    expect(await putRule(without, tenant, ruleOf('r'))).toEqual({ code: 'rules-off' });
    expect(await context.rules.read(tenant, 'r', true)).toBeUndefined();
  });

  test('unless its target is Kafka, and the deployment has no queue for it', async () => {
    const { ruleQueue } = context;
    if (ruleQueue === undefined) throw new Error('rules are off');
    const without: Context = { ...context, ruleQueue: { ...ruleQueue, lanes: new Set(['common']) } };
    const auth = { method: 'none' } as const;
    const target = { kind: 'kafka', brokers: ['b:9092'], topic: 't', tls: true, auth } as const;
    expect(await putRule(without, tenant, ruleOf('r', { target }))).toEqual({ code: 'rule-kafka-off' });
    expect(await context.rules.read(tenant, 'r', true)).toBeUndefined();
    expect(await putRule(context, tenant, ruleOf('r', { target }))).toMatchObject({ created: true });
  });

  test('unless records of a deleted rule of its name are left', async () => {
    const clear = async () => true;
    const leaving = { ...context, ruleRecords: { ...context.ruleRecords, clear } };
    expect(await putRule(leaving, tenant, ruleOf('r'))).toEqual({ code: 'rule-leaves' });
  });
});

describe('records of a deleted rule', () => {
  const erasing: Timer = { kind: 'rule-records', tenant, rule: 'r' };

  test('go with it, and a timer erases what one call leaves', async () => {
    await putRule(context, tenant, ruleOf('r'));
    const scheduled: Timer[] = [];
    const schedule = async (timer: Timer) => void scheduled.push(timer);
    let left = 7;
    const clear = async () => {
      left -= 1;
      return left > 0;
    };
    const full = {
      ...context,
      ruleRecords: { ...context.ruleRecords, clear },
      timers: { ...context.timers, schedule },
    };
    expect(await deleteRule(full, tenant, 'r')).toBe(true);
    expect(scheduled.filter(({ kind }) => kind === 'rule-records')).toEqual([erasing]);
    await eraseRecords(full, erasing);
    expect(left).toBe(0);
    expect(scheduled.filter(({ kind }) => kind === 'rule-records')).toHaveLength(1);
  });

  test('a late timer erases nothing of a rule that has the name now', async () => {
    await putRule(context, tenant, ruleOf('r'));
    const clear = () => expect.fail();
    await eraseRecords({ ...context, ruleRecords: { ...context.ruleRecords, clear } }, erasing);
  });
});

/** Every state from which a call may start, and the call. */
const changes: Record<
  string,
  readonly [before: Rule | undefined, change: (on: Context) => Promise<unknown>]
> = {
  'a new rule': [undefined, (on) => putRule(on, tenant, ruleOf('r'))],
  'a new pattern': [ruleOf('r'), (on) => putRule(on, tenant, ruleOf('r', { where: '{"qos":[1]}' }))],
  'a new filter': [ruleOf('r'), (on) => putRule(on, tenant, ruleOf('r', { filter: 'orders/#' }))],
  'a deletion': [ruleOf('r'), (on) => deleteRule(on, tenant, 'r')],
};

describe.each(Object.entries(changes))('%s, stopped before each of its calls', (_, [before, change]) => {
  const atEveryCall = async (then: () => Promise<void>): Promise<number> => {
    for (let number = 0; ; number += 1) {
      await deleteRule(context, tenant, 'r');
      if (before !== undefined) await putRule(context, tenant, before);
      if (!(await stopsBefore(number, () => change(context)))) return number;
      await then();
    }
  };

  test('a repetition ends as one call does', async () => {
    const times = await atEveryCall(async () => {
      await change(context);
      const [afterwards, stored] = [await found(), await context.rules.read(tenant, 'r', true)];
      expect(afterwards).toEqual(stored === undefined ? {} : { [stored.rule.filter]: ['r'] });
      expect(stored?.formerFilters ?? []).toEqual([]);
    });
    expect(times).toBeGreaterThan(3);
  });

  test('the deletion of the rule, and that of the tenant, leave nothing', async () => {
    for (const erase of [
      () => deleteRule(context, tenant, 'r'),
      () => context.tenantData.eraseTenant(tenant),
    ])
      await atEveryCall(async () => {
        await erase();
        expect(await found()).toEqual({});
        expect(await context.rules.read(tenant, 'r', true)).toBeUndefined();
      });
  });

  test('a publish that the rule selects before and after fires it throughout', async () => {
    if (before === undefined || change === changes['a deletion']?.[1]) return;
    await atEveryCall(async () => expect(Object.keys(await found()).length).toBeGreaterThan(0));
  });
});

describe('concurrent calls', () => {
  /** Runs `other` before the call number `at` of `work`. */
  async function interleave(at: number, work: () => Promise<unknown>, other: () => Promise<unknown>) {
    let count = 0;
    let ran = false;
    beforeCall = async () => {
      count += 1;
      if (ran || count <= at) return;
      ran = true;
      beforeCall = undefined;
      await other();
    };
    await work();
    beforeCall = undefined;
    return ran;
  }
  const toWide = () => putRule(context, tenant, ruleOf('r', { filter: 'orders/#' }));
  const toPattern = () => putRule(context, tenant, ruleOf('r', { where: '{"qos":[1]}' }));
  const remove = () => deleteRule(context, tenant, 'r');

  test.each([
    ['two changes', toWide, toPattern],
    ['the same two in the other order', toPattern, toWide],
    ['a change and a deletion', toWide, remove],
    ['a deletion and a change', remove, toPattern],
  ] as const)('%s end as the row in Tenants says', async (_, one, other) => {
    for (let at = 0; ; at += 1) {
      await deleteRule(context, tenant, 'r');
      await putRule(context, tenant, ruleOf('r'));
      if (!(await interleave(at, one, other))) break;
      const stored = await context.rules.read(tenant, 'r', true);
      expect(await found()).toEqual(stored === undefined ? {} : { [stored.rule.filter]: ['r'] });
    }
  });
});

describe('the search for unused shapes', () => {
  test('operators see the uses of shapes by rules', async () => {
    for (const name of ['a', 'b']) await putRule(context, tenant, ruleOf(name));
    const { uses } = await usesOfShapes(context, tenant, undefined);
    expect([...uses]).toEqual([['=/+', 2]]);
  });

  test('keeps the shapes of rules, and removes them once the rules are gone', async () => {
    await putRule(context, tenant, ruleOf('r'));
    await context.tenants.addShape(tenant, '#', 64);
    expect(await makeRoomForShapes(context, tenant)).toBe(true);
    const live = await context.tenants.readLive(tenant, true);
    expect([...(live?.going ?? [])]).toEqual(['#']);
  });
});
