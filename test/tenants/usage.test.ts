import { describe, expect, test } from 'vitest';
import { vouchedTenantId } from '../../lib/auth/index.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import {
  hourOf,
  type MinuteCounts,
  type UsageCounts,
  type UsageGauges,
  type UsageMeter,
  type UsageStore,
  type UsageWritten,
} from '../../lib/core/usage.ts';
import { createUsageMeter } from '../../lib/limits/usage-meter.ts';

const { defaultQuotas } = defaultSettings;
const tenant = vouchedTenantId('acme');
const zero: UsageCounts = {
  packetsIn: 0,
  deliveries: 0,
  ruleDeliveries: 0,
  ruleFailures: 0,
  messagesIn: 0,
  bytesIn: 0,
  messagesOut: 0,
  bytesOut: 0,
  connects: 0,
  connectionMs: 0,
};

/** A store in memory that several processes share and that can fail. */
function memory() {
  const hours = new Map<string, UsageCounts>();
  const minutes = new Map<string, MinuteCounts>();
  const refused = new Map<string, number>();
  let gauges: UsageGauges = { connections: 0, retainedMessages: 0, retainedBytes: 0 };
  const state = { failing: false, writes: 0 };
  const sum = <T extends object>(base: T, deltas: Partial<T>): T =>
    Object.fromEntries(
      Object.entries(base).map(([name, value]) => [
        name,
        Number(value) + Number(deltas[name as keyof T] ?? 0),
      ]),
    ) as T;
  const store: UsageStore = {
    async addCounts(_tenant, hour, { counts, minutes: written = new Map(), refusals = {} }) {
      if (state.failing) throw new Error('throttled');
      state.writes += 1;
      for (const [code, count] of Object.entries(refusals))
        refused.set(code, (refused.get(code) ?? 0) + count);
      const after = sum(hours.get(hour) ?? zero, counts);
      hours.set(hour, after);
      for (const [minute, added] of written)
        minutes.set(
          minute,
          sum(minutes.get(minute) ?? { messagesIn: 0, messagesOut: 0, refusals: 0 }, added),
        );
      return after;
    },
    async addGauges(_tenant, deltas) {
      if (state.failing) throw new Error('throttled');
      state.writes += 1;
      gauges = sum(gauges, deltas);
      return gauges;
    },
    readGauges: async () => gauges,
    report: async () => [],
    reportMinutes: async () => [],
    storedBefore: async () => 0,
    beginRecount: async () => false,
    finishRecount: async () => undefined,
  };
  return { store, state, hours, minutes, refused, gauges: () => gauges };
}

function process(store: UsageStore, clock: { nowMs: number }) {
  return createUsageMeter(store, () => clock.nowMs);
}

describe('usage', () => {
  test('messages are written in batches of 100, or after 10 s, and none is lost or counted twice', async () => {
    const clock = { nowMs: Date.UTC(2026, 10, 21, 6) };
    const { store, state, hours } = memory();
    const usage = process(store, clock);
    for (let index = 0; index < 99; index += 1) {
      usage.count(tenant, { messagesIn: 1, bytesIn: 10 });
      await usage.flush();
    }
    expect(state.writes).toBe(0);
    usage.count(tenant, { messagesIn: 1, bytesIn: 10 });
    await usage.flush();
    expect(state.writes).toBe(1);
    usage.count(tenant, { messagesIn: 1 });
    clock.nowMs += 10_000;
    await usage.flush();
    expect(hours.get('2026-11-21T06')).toEqual({ ...zero, messagesIn: 101, bytesIn: 1000 });
  });

  test('connections are written at once', async () => {
    const clock = { nowMs: 0 };
    const { store, gauges } = memory();
    const usage = process(store, clock);
    usage.count(tenant, { connections: 1, connects: 1 });
    await usage.flush();
    expect(gauges().connections).toBe(1);
  });

  test('refusals join a write of other counts, and cost at most one write in 10 s alone', async () => {
    const clock = { nowMs: Date.UTC(2026, 10, 21, 6) };
    const { store, state, refused } = memory();
    const usage = process(store, clock);
    const refuse = async (): Promise<void> => {
      usage.countRefusal(tenant, 'publish-not-authorized', 1);
      await usage.flush();
    };
    for (let index = 0; index < 500; index += 1) await refuse();
    expect(state.writes).toBe(0);
    usage.count(tenant, { connections: 1, connects: 1 });
    await usage.flush();
    expect([state.writes, refused.size], 'the gauges have a row of their own').toEqual([1, 0]);
    usage.count(tenant, { messagesIn: 100 });
    await usage.flush();
    expect([state.writes, refused.get('publish-not-authorized')]).toEqual([2, 500]);

    for (let second = 0; second < 60; second += 1) {
      await refuse();
      clock.nowMs += 1_000;
    }
    expect(state.writes).toBeLessThanOrEqual(2 + 6);
    state.failing = true;
    clock.nowMs += 10_000;
    await usage.flush();
    state.failing = false;
    clock.nowMs += 10_000;
    await usage.flush();
    expect(refused.get('publish-not-authorized')).toBe(560);
  });

  test('counts that could not be written are kept for the next write', async () => {
    const clock = { nowMs: 0 };
    const { store, state, hours } = memory();
    const usage = process(store, clock);
    state.failing = true;
    usage.count(tenant, { messagesIn: 150 });
    await usage.flush();
    state.failing = false;
    usage.count(tenant, { messagesIn: 1 });
    await usage.flush();
    expect(hours.get(hourOf(0))?.messagesIn).toBe(151);
  });

  test('counts belong to the hour of the event, even when they are written later', async () => {
    const clock = { nowMs: Date.UTC(2026, 10, 21, 6, 59, 59) };
    const { store, state, hours } = memory();
    const failures: unknown[] = [];
    const usage = createUsageMeter(
      store,
      () => clock.nowMs,
      (error) => failures.push(error),
    );
    usage.count(tenant, { messagesIn: 1 });
    clock.nowMs += 7_200_000;
    usage.count(tenant, { messagesIn: 2 });
    state.failing = true;
    await usage.flush();
    expect(failures).toHaveLength(2);
    state.failing = false;
    clock.nowMs += 10_000;
    await usage.flush();
    expect(hours.get('2026-11-21T06')?.messagesIn).toBe(1);
    expect(hours.get('2026-11-21T08')?.messagesIn).toBe(2);
    expect(hours.size).toBe(2);
  });

  test('counts belong to their minute, when they are written later and when a write fails', async () => {
    const clock = { nowMs: Date.UTC(2026, 10, 21, 6, 58, 59) };
    const { store, state, minutes } = memory();
    const usage = process(store, clock);
    usage.count(tenant, { messagesIn: 1, bytesIn: 9 });
    clock.nowMs += 1_000;
    usage.count(tenant, { messagesIn: 2, messagesOut: 5 });
    usage.countRefusal(tenant, 'publish-not-authorized', 3);
    clock.nowMs += 60_000;
    usage.count(tenant, { messagesOut: 7 });
    state.failing = true;
    await usage.flush();
    state.failing = false;
    usage.count(tenant, { messagesOut: 1 });
    clock.nowMs += 10_000;
    await usage.flush();
    await usage.flush();
    expect(Object.fromEntries(minutes)).toEqual({
      '2026-11-21T06:58': { messagesIn: 1, messagesOut: 0, refusals: 0 },
      '2026-11-21T06:59': { messagesIn: 2, messagesOut: 5, refusals: 3 },
      '2026-11-21T07:00': { messagesIn: 0, messagesOut: 8, refusals: 0 },
    });
    // Two failed attempts, then one write for each hour.
    expect(state.writes).toBe(2);
  });

  test('metrics get each written count once, within its hour, and never an unwritten one', async () => {
    const clock = { nowMs: Date.UTC(2026, 10, 21, 6, 59, 59) };
    const { store, state } = memory();
    const told: UsageWritten[] = [];
    const usage = createUsageMeter(store, () => clock.nowMs, undefined, {
      put: (written) => told.push(written),
    });
    usage.count(tenant, { messagesIn: 1, retainedBytes: 30, retainedMessages: 1 });
    await usage.flush();
    expect(told).toEqual([]);
    clock.nowMs += 1_800_000;
    usage.count(tenant, { messagesIn: 2 });
    state.failing = true;
    await usage.flush();
    expect(told).toEqual([]);
    state.failing = false;
    clock.nowMs += 10_000;
    await usage.flush();
    await usage.flush();
    const late = Date.UTC(2026, 10, 21, 6, 59, 59, 999);
    expect(told).toEqual([
      { tenant, atMs: late, counts: { messagesIn: 1 } },
      { tenant, atMs: clock.nowMs, counts: { messagesIn: 2 }, storedBytes: 30 },
    ]);
  });

  test('gauges include what this process has not written yet', async () => {
    const clock = { nowMs: 0 };
    const { store } = memory();
    const usage = process(store, clock);
    usage.count(tenant, { retainedMessages: 2, retainedBytes: 30 });
    expect(await usage.gauges(tenant)).toEqual({ connections: 0, retainedMessages: 2, retainedBytes: 30 });
  });

  test('a rate allows a burst of ten seconds, then the rate itself', () => {
    const clock = { nowMs: 0 };
    const usage = process(memory().store, clock);
    const quotas = { ...defaultQuotas, publishesPerSecond: 5 };
    expect(usage.admits(tenant, quotas, { messages: 50, bytes: 0 })).toBe(true);
    expect(usage.admits(tenant, quotas, { messages: 1, bytes: 0 })).toBe(false);
    clock.nowMs += 1_000;
    expect(usage.admits(tenant, quotas, { messages: 5, bytes: 0 })).toBe(true);
    expect(usage.admits(tenant, quotas, { messages: 1, bytes: 0 })).toBe(false);
  });

  test('bytes have their own rate; a refusal takes from neither', () => {
    const clock = { nowMs: 0 };
    const usage = process(memory().store, clock);
    const quotas = { ...defaultQuotas, publishesPerSecond: 1, publishBytesPerSecond: 100 };
    expect(usage.admits(tenant, quotas, { messages: 1, bytes: 1_001 })).toBe(false);
    expect(usage.admits(tenant, quotas, { messages: 10, bytes: 1_000 })).toBe(true);
    expect(usage.admits(tenant, quotas, { messages: 0, bytes: 1 })).toBe(false);
  });

  test('deliveries: a debt is paid back; others count theirs, and what was made beyond them', async () => {
    const clock = { nowMs: 0 };
    const { store, hours } = memory();
    const [one, other] = [process(store, clock), process(store, clock)];
    const quotas = { ...defaultQuotas, deliveriesPerSecond: 1_000 };
    const both = [one, other];
    const write = async (): Promise<void> => {
      for (const usage of both) {
        usage.chargeDeliveries(tenant, quotas, 1);
        clock.nowMs += 10_000;
        await usage.flush();
      }
    };
    const mayDeliver = (): boolean[] => both.map((usage) => usage.mayDeliver(tenant, quotas));
    await write();
    one.chargeDeliveries(tenant, quotas, 40_000);
    expect(mayDeliver()).toEqual([false, true]);
    await write();
    expect(mayDeliver()).toEqual([false, false]);
    clock.nowMs += 40_000;
    expect(mayDeliver()).toEqual([true, true]);

    // Those that were expected are delivered, and 60,000 more.
    other.count(tenant, { messagesOut: 100_000 });
    await write();
    await write();
    expect(mayDeliver()).toEqual([false, false]);
    expect([...hours.values()]).toMatchObject([{ deliveries: 40_008, messagesOut: 100_000 }]);
  });

  test('processes learn of each other at each write, so they exceed a rate by their unwritten counts', async () => {
    const clock = { nowMs: 0 };
    const { store } = memory();
    const [one, other] = [process(store, clock), process(store, clock)];
    const quotas = { ...defaultQuotas, publishesPerSecond: 100 };
    const publish = async (usage: UsageMeter): Promise<number> => {
      if (!usage.admits(tenant, quotas, { messages: 10, bytes: 0 })) return 0;
      usage.count(tenant, { messagesIn: 10 });
      await usage.flush();
      return 10;
    };
    let sent = 0;
    for (let round = 0; round < 500; round += 1) sent += (await publish(one)) + (await publish(other));
    // A burst of 1,000 for the tenant, and at most the counts that either process had not written
    // or read yet.
    expect(sent).toBeGreaterThanOrEqual(1_000);
    expect(sent).toBeLessThanOrEqual(1_000 + 2 * 200);
  });
});
