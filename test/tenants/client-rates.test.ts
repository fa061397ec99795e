import { expect, test } from 'vitest';
import type { RateUse } from '../../lib/core/model.ts';
import { createClientRates } from '../../lib/limits/client-rates.ts';

const quotas = { publishesPerSecondPerClient: 10 };
const one = { messages: 1, bytes: 10 };

/**
 * Processes that share one connection row; `write` acts like lib/limits/publish-quotas.ts after
 * each run.
 */
function connection(processes: number) {
  const row: { use?: RateUse; writes: number } = { writes: 0 };
  const all = Array.from({ length: processes }, () => createClientRates());
  return {
    row,
    publish(process: number, nowMs: number, known = row.use): boolean {
      const rates = all[process] ?? createClientRates();
      const admitted = rates.admits('c', quotas, known, one, nowMs);
      const due = rates.due('c', known, nowMs);
      if (due !== undefined && known === row.use) {
        row.use = due;
        row.writes += 1;
        rates.written('c', due);
      }
      return admitted;
    },
  };
}

test('admits a burst of five to ten seconds, then the rate; one write per five seconds of the rate', () => {
  const { row, publish } = connection(1);
  const admitted = (nowMs: number, tries: number) =>
    Array.from({ length: tries }, () => publish(0, nowMs)).filter(Boolean).length;
  expect(admitted(0, 150)).toBe(100);
  expect(row.writes).toBe(2);
  expect(admitted(1_000, 50)).toBe(10);
  // Unwritten use counts as if it happened now.
  expect(admitted(60_000, 150)).toBe(90);
  expect(row.writes).toBe(4);
});

test('a client that keeps its rate is never refused', () => {
  const { row, publish } = connection(1);
  const refused = Array.from({ length: 3_000 }, (_, index) => publish(0, index * 100)).filter((is) => !is);
  expect(refused).toHaveLength(0);
  expect(row.writes).toBe(60);
});

test('processes that take turns exceed the rate by the unwritten use of each', () => {
  const processes = 8;
  const { publish } = connection(processes);
  let admitted = 0;
  for (let index = 0; index < 60_000; index += 1) if (publish(index % processes, index)) admitted += 1;
  expect(admitted).toBeGreaterThanOrEqual(690);
  expect(admitted).toBeLessThanOrEqual(700 + processes * 50);
});

test('a stale read does not undo a write', () => {
  const rates = createClientRates();
  for (let index = 0; index < 60; index += 1) rates.admits('c', quotas, undefined, one, 0);
  const due = rates.due('c', undefined, 0);
  expect(due).toEqual({ packetsUntilMs: 0, messagesUntilMs: 6_000, bytesUntilMs: 0 });
  if (due !== undefined) rates.written('c', due);
  const later = Array.from({ length: 60 }, () => rates.admits('c', quotas, undefined, one, 0));
  expect(later.filter(Boolean)).toHaveLength(40);
});

test('bytes have their own rate; without a rate nothing is counted; a rate of 0 admits nothing', () => {
  const rates = createClientRates();
  const bytes = { publishBytesPerSecondPerClient: 100 };
  expect(rates.admits('a', bytes, undefined, { messages: 1_000, bytes: 1_001 }, 0)).toBe(false);
  expect(rates.admits('a', bytes, undefined, { messages: 1_000, bytes: 1_000 }, 0)).toBe(true);
  expect(rates.admits('a', bytes, undefined, one, 0)).toBe(false);
  expect(rates.admits('b', {}, undefined, { messages: 1e9, bytes: 1e12 }, 0)).toBe(true);
  expect(rates.due('b', undefined, 0)).toBeUndefined();
  expect(rates.admits('c', { publishesPerSecondPerClient: 0 }, undefined, one, 0)).toBe(false);
});

test('without a connection row each process counts alone', () => {
  const rates = createClientRates();
  const admitted = Array.from({ length: 150 }, () => rates.admits('acme/sub:x', quotas, 'local', one, 0));
  expect(admitted.filter(Boolean)).toHaveLength(100);
  expect(rates.due('acme/sub:x', undefined, 0)).toBeUndefined();
  expect(rates.admits('acme/sub:x', quotas, 'local', one, 1_000)).toBe(true);
});
