import { expect, test } from 'vitest';
import { topicPartOf } from '../../../lib/aws/rule-queue.ts';
import type { Rule, RuleDrain } from '../../../lib/core/rules.ts';
import { defaultSettings } from '../../../lib/core/settings.ts';
import { serveRuleBatch } from '../../../lib/rules/run/batch.ts';
import type { RuleRunContext } from '../../../lib/rules/run/context.ts';
import { drainRule } from '../../../lib/rules/run/drain.ts';
import { WorkerPermits } from '../../../lib/rules/run/permits.ts';
import type { DeliveryOutcome, RuleDelivery } from '../../../lib/rules/target.ts';
import { recordWith } from '../records.ts';

const rule: Rule = {
  name: 'orders',
  filter: '#',
  send: { form: 'payload' },
  target: { kind: 'webhook', url: 'https://example.com/' },
  status: 'active',
  retryHours: 24,
  createdAtMs: 0,
};
const nowMs = Date.UTC(2026, 10, 28, 12, 1);

function waitingOn(topics: readonly string[]) {
  return topics.map((topic, index) => ({
    id: topic,
    receiveCount: 3,
    sequence: String(index),
    strand: topicPartOf(topic),
    record: recordWith({ id: topic, topic }),
  }));
}

/** The target refuses topic `a`, whose failure cannot be stored; other topics take their time. */
function failing() {
  const delivered: string[] = [];
  const ends: (() => void)[] = [];
  const deliver = (_: Rule, deliveries: readonly RuleDelivery[]): Promise<readonly DeliveryOutcome[]> => {
    if (deliveries[0]?.event.topic === 'a')
      return Promise.resolve(deliveries.map(() => ({ kind: 'refused', code: 'rule-target-refused' })));
    return new Promise((resolve) =>
      ends.push(() => {
        delivered.push(...deliveries.map(({ event }) => event.topic));
        resolve(deliveries.map(() => ({ kind: 'delivered' })));
      }),
    );
  };
  const rows = waitingOn(['a', 'b']);
  const outage = { period: 'p', nextTryAtMs: 0, tries: 0, parked: 1, drain: 1 };
  const sent: RuleDrain[] = [];
  const context = {
    clock: { nowMs: () => nowMs },
    settings: defaultSettings,
    log: { count: () => {}, warn: () => {}, error: () => {} },
    usage: { count: () => {} },
    ruleQueue: { lanes: new Set(['common']), send: async () => {} },
    ruleDrains: { send: async (drain: RuleDrain) => void sent.push(drain) },
    ruleRecords: {
      circuit: async () => ({ failures: 0 }),
      waiting: async (_: unknown, strand: number) => rows.filter((row) => row.strand === strand),
      removeWaiting: async (_: unknown, removed: readonly object[]) => {
        for (const row of removed) rows.splice(rows.indexOf(row as (typeof rows)[0]), 1);
      },
      noteDrain: async () => true,
      takePermit: async () => ({ number: 0, untilMs: 1 }),
      returnPermit: async () => {},
      takeFailureRoom: async () => {
        throw new Error('the table is away');
      },
    },
    definitions: { read: async () => ({ rule, isHeld: false }) },
    targets: { webhook: { maxBatch: 1, deliver } },
  } as unknown as RuleRunContext;
  const during: RuleRunContext = {
    ...context,
    ruleRecords: { ...context.ruleRecords, circuit: async () => ({ failures: 0, outage }) },
  };
  return { context, during, delivered, ends, sent };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
};

test('a strand that fails inside Wisp leaves the others alone, and only it returns to the queue', async () => {
  const { context, delivered, ends } = failing();
  const hidden: (readonly string[])[] = [];
  let isDone = false;
  const left = serveRuleBatch(
    context,
    { records: waitingOn(['a', 'b']), drains: [] },
    {
      remove: async () => {},
      hide: async (ids) => void hidden.push(ids),
      pause: () => new Promise(() => {}),
    },
  ).finally(() => {
    isDone = true;
  });
  await turns();
  // The function would stop here, in the middle of a delivery.
  expect(isDone).toBe(false);
  expect(hidden).toEqual([['a']]);
  for (const end of ends) end();
  expect(await left).toEqual(['a']);
  expect(delivered).toEqual(['b']);
});

test('a drain whose first try fails inside Wisp ends after its other one', async () => {
  const { during, delivered, ends } = failing();
  const drain = {
    tenant: recordWith({}).tenant,
    rule: 'orders',
    lane: 'common',
    period: 'p',
    number: 1,
  } as const;
  let isDone = false;
  const drained = drainRule(during, drain, 1, new WorkerPermits(during)).finally(() => {
    isDone = true;
  });
  const result = expect(drained).rejects.toThrow('the table is away');
  await turns();
  expect(isDone).toBe(false);
  for (const end of ends) end();
  await result;
  expect(delivered).toEqual(['b']);
});

test('a drain that fails inside Wisp each time is replaced before the queue gives it up', async () => {
  const { during, sent } = failing();
  const drain = {
    tenant: recordWith({}).tenant,
    rule: 'orders',
    lane: 'common',
    period: 'p',
    number: 1,
  } as const;
  const broken: RuleRunContext = {
    ...during,
    definitions: {
      ...during.definitions,
      read: async () => {
        throw new Error('the table is away');
      },
    },
  };
  await expect(drainRule(broken, drain, 99, new WorkerPermits(broken))).rejects.toThrow('the table is away');
  expect(await drainRule(broken, drain, 100, new WorkerPermits(broken))).toBe('done');
  expect(sent).toEqual([{ ...drain, number: 2 }]);
});
