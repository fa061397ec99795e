import { expect, test } from 'vitest';
import {
  addUp,
  csvOf,
  refusalsByCode,
  stepName,
  type UsageSteps,
  valuesOf,
} from '../../console/api/usage-steps.ts';

const now = { connections: 2, retainedMessages: 1, retainedBytes: 10 };
const times = [Date.UTC(2026, 10, 21, 6) / 1_000, Date.UTC(2026, 10, 21, 7) / 1_000];
const one: UsageSteps = {
  resolution: 'hour',
  times,
  steps: [{ messagesIn: 60, refusals: { 'publish-denied': 2 } }, {}],
  now,
};
const other: UsageSteps = {
  ...one,
  steps: [{ messagesIn: 1 }, { messagesIn: 3, refusals: { 'publish-denied': 1, 'token-expired': 9 } }],
};

test('steps are named as the service names them, in UTC', () => {
  expect([stepName(times[0] ?? 0, 'hour'), stepName((times[0] ?? 0) + 300, 'minute')]).toEqual([
    '2026-11-21T06',
    '2026-11-21T06:05',
  ]);
});

test('a step that the service leaves out is 0 in a plot', () => {
  expect(valuesOf(one, 'messagesIn', 60)).toEqual([1, 0]);
});

test('tenants add up: counters, refusals by code, gauges', () => {
  const sum = addUp([one, other]);
  expect(sum?.steps.map(({ messagesIn }) => messagesIn)).toEqual([61, 3]);
  expect(sum && refusalsByCode(sum)).toEqual([
    ['token-expired', 9],
    ['publish-denied', 3],
  ]);
  expect(sum?.now).toEqual({ connections: 4, retainedMessages: 2, retainedBytes: 20 });
  expect(addUp([])).toBeUndefined();
});

test('CSV has a line for each step and a column for each counter', () => {
  expect(csvOf(one)).toBe('hour,messagesIn\r\n2026-11-21T06,60\r\n2026-11-21T07,0\r\n');
});
