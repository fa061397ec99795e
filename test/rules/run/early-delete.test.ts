import { expect, test } from 'vitest';
import { topicPartOf } from '../../../lib/aws/rule-queue.ts';
import type { Rule } from '../../../lib/core/rules.ts';
import { defaultSettings } from '../../../lib/core/settings.ts';
import { serveRuleBatch } from '../../../lib/rules/run/batch.ts';
import type { RuleRunContext } from '../../../lib/rules/run/context.ts';
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

/** A batch of records of these topics, whose deliveries end when the test says so. */
function batchOf(topics: readonly string[]) {
  const hanging = new Map<string, () => void>();
  const removed: string[][] = [];
  let becomeSlow = () => {};
  const deliver = (_: Rule, [delivery]: readonly RuleDelivery[]): Promise<readonly DeliveryOutcome[]> =>
    new Promise((resolve) => {
      hanging.set(delivery?.record.message.id ?? '', () => resolve([{ kind: 'delivered' }]));
    });
  const context = {
    clock: { nowMs: () => Date.UTC(2026, 10, 28, 12, 1) },
    settings: defaultSettings,
    log: { count: () => {}, warn: () => {}, error: () => {} },
    usage: { count: () => {} },
    ruleRecords: { circuit: async () => ({ failures: 0 }) },
    definitions: { read: async () => ({ rule, isHeld: false }) },
    targets: { webhook: { maxBatch: 1, deliver } },
  } as unknown as RuleRunContext;
  const records = topics.map((topic, index) => ({
    id: String(index),
    receiveCount: 1,
    sequence: String(index),
    strand: topicPartOf(topic),
    record: recordWith({ id: String(index), topic }),
  }));
  const left = serveRuleBatch(
    context,
    { records, drains: [] },
    {
      remove: async (ids) => {
        removed.push([...ids]);
      },
      hide: async () => {},
      pause: (milliseconds) =>
        new Promise((resolve) => {
          if (milliseconds === defaultSettings.ruleEarlyDeleteMs) becomeSlow = resolve;
        }),
    },
  );
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  };
  return {
    left,
    removed,
    async end(id: string) {
      await turns();
      hanging.get(id)?.();
      await turns();
    },
    async slow() {
      becomeSlow();
      await turns();
    },
  };
}

test('finished groups of a slow batch leave the queue before the others end', async () => {
  const batch = batchOf(['a', 'b', 'c', 'b']);
  await batch.end('0');
  expect(batch.removed).toEqual([]);
  await batch.slow();
  expect(batch.removed).toEqual([['0']]);
  await batch.end('2');
  expect(batch.removed).toEqual([['0'], ['2']]);
  // The group of topic b goes on: its first record alone would free nothing.
  await batch.end('1');
  expect(batch.removed).toHaveLength(2);
  await batch.end('3');
  expect(await batch.left).toEqual([]);
  expect(batch.removed).toHaveLength(2);
});

test('a quick batch costs no deletion of its own', async () => {
  const batch = batchOf(['a', 'b']);
  await batch.end('0');
  await batch.end('1');
  expect(await batch.left).toEqual([]);
  expect(batch.removed).toEqual([]);
});

test('one group that takes long costs none either', async () => {
  const batch = batchOf(['a', 'a', 'a']);
  await batch.slow();
  for (const id of ['0', '1', '2']) await batch.end(id);
  expect(await batch.left).toEqual([]);
  expect(batch.removed).toEqual([]);
});
