import { expect, test } from 'vitest';
import { topicPartOf } from '../../lib/aws/rule-queue.ts';
import { metrics } from '../../lib/core/metrics.ts';
import { ruleStrands } from '../../lib/core/rules.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import type { TenantId } from '../../lib/core/tenant-id.ts';
import { permitsOf } from '../../lib/rules/run/permits.ts';
import { RuleWorkers } from './rule-workers.ts';

/** As in a deployment with the default of `-c ruleMaxConcurrency`. */
const concurrency = 100;

/** A topic of each strand. */
const topics = [
  ...new Map(Array.from({ length: 2_000 }, (_, i) => `t/${i}`).map((one) => [topicPartOf(one), one])),
].map(([, topic]) => topic);

function flood(workers: RuleWorkers, tenant: TenantId, rule: string, perTopic: number): string[] {
  const ids: string[] = [];
  for (let round = 0; round < perTopic; round += 1)
    for (const topic of topics) ids.push(workers.publish(tenant, rule, topic));
  return ids;
}

test('two rules whose target takes 9.9 s and is flooded hold few workers', async () => {
  expect(topics).toHaveLength(ruleStrands);
  const workers = new RuleWorkers(concurrency);
  const hostile = await workers.addRule('hostile', 'slow-1');
  await workers.addRule('hostile', 'slow-2');
  const other = await workers.addRule('other', 'quick');
  for (const name of ['slow-1', 'slow-2']) workers.attemptMs.set(name, 9_900);
  const flooded = ['slow-1', 'slow-2'].flatMap((name) => flood(workers, hostile, name, 3));
  const expected = [workers.publish(other, 'quick', 'o')];
  await workers.work();
  await workers.pass(defaultSettings.ruleSlowMs);
  for (let second = 0; second < 12; second += 1) {
    await workers.pass(1_000);
    // All that the other tenant published a second ago has been delivered.
    expect(workers.delivered.get('quick') ?? []).toEqual(expected);
    expected.push(workers.publish(other, 'quick', 'o'));
    flooded.push(...['slow-1', 'slow-2'].flatMap((name) => flood(workers, hostile, name, 1)));
    await workers.work();
    const held = (workers.busy.get('slow-1') ?? 0) + (workers.busy.get('slow-2') ?? 0);
    expect(held, `after ${second} s`).toBeLessThanOrEqual(defaultSettings.ruleSlowWorkers);
  }
  expect(workers.counters.get(metrics.rulesSlow)).toBeGreaterThan(0);
  for (let round = 0; round < 2_000 && workers.queued > 0; round += 1) await workers.pass(500);
  const delivered = new Set(['slow-1', 'slow-2'].flatMap((name) => workers.delivered.get(name) ?? []));
  expect(flooded.filter((id) => !delivered.has(id))).toEqual([]);
});

test('rules that are busy below a second give way too, and no record comes twice', async () => {
  const workers = new RuleWorkers(concurrency);
  const names = Array.from({ length: 6 }, (_, index) => `busy-${index}`);
  const other = await workers.addRule('other', 'quick');
  const hostile = await workers.addRule('hostile', 'busy-0');
  for (const name of names.slice(1)) await workers.addRule('hostile', name);
  for (const name of names) workers.attemptMs.set(name, 400);
  const expected: string[] = [];
  const flooded: string[] = [];
  for (let second = 0; second < 14; second += 1) {
    // More than a hundred workers can deliver one by one.
    for (const name of names) flooded.push(...flood(workers, hostile, name, 1));
    expected.push(workers.publish(other, 'quick', 'o'));
    for (let part = 0; part < 10; part += 1) await workers.pass(100);
    const waiting = expected.length - (workers.delivered.get('quick')?.length ?? 0);
    if (second >= 10) expect(waiting, `after ${second} s`).toBe(0);
  }
  for (let round = 0; round < 2_000 && workers.queued > 0; round += 1) await workers.pass(500);
  const delivered = names.flatMap((name) => workers.delivered.get(name) ?? []);
  expect(flooded.filter((id) => !delivered.includes(id))).toEqual([]);
  // Nobody has abandoned an attempt, so nothing has come twice.
  expect(delivered).toHaveLength(flooded.length);
});

test('a deployment with few workers has few permits for each tenant', () => {
  expect([2, 10, 16, 100].map((workers) => permitsOf(defaultSettings, workers))).toEqual([1, 1, 2, 4]);
});
