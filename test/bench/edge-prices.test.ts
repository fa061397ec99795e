import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fleetDefaults } from '../../cdk/edge-settings.ts';
import {
  breakEvenTable,
  edgeMonthUsd,
  fixedParts,
  fixedTable,
  fleetTable,
  sizeTable,
} from './edge-prices.ts';
import { tableMarkdown } from './report.ts';

const page = readFileSync(new URL('../../docs/edge.md', import.meta.url), 'utf8');
const idle = { connectsADay: 0, messagesAMinute: 0 };

/** Expected values are calculated by hand, so that a changed price fails the test. */
describe('an edge in dollars a month', () => {
  it('has parts that cost without a client', () => {
    const { balancer, addresses, tasks, leases } = fixedParts(2);
    expect(balancer).toBeCloseTo(730 * 0.0225, 6);
    expect(addresses).toBeCloseTo(4 * 730 * 0.005, 6);
    expect(tasks).toBeCloseTo(2 * 730 * (0.25 * 0.03238 + 0.5 * 0.00356), 6);
    // 876,000 writes, 175,200 looks with 3 requests, an invocation and a read, 43,800 minutes.
    const lease = 0.876 * 0.625 + 0.1752 * (1.2 + 0.2 + 0.125) + 0.0438 * (0.25 + 2 + 0.2);
    expect(leases).toBeCloseTo(2 * lease, 6);
  });

  it('grows by a task for every 6,000 connections, and by capacity of the load balancer', () => {
    const [two, three] = [12_000, 12_001].map((devices) => edgeMonthUsd(devices, idle));
    const task = 730 * (0.25 * 0.03238 + 0.5 * 0.00356 + 0.005) + fixedParts(2).leases / 2;
    expect((three ?? 0) - (two ?? 0)).toBeCloseTo(task, 3);
    const atBalancer = edgeMonthUsd(12_000, idle, fleetDefaults, 'balancer');
    expect(atBalancer - (two ?? 0)).toBeCloseTo((4 - 0.12) * 730 * 0.006, 6);
  });
});

it.each([
  ['fixed parts', fixedTable],
  ['sizes', sizeTable],
  ['break-even numbers', breakEvenTable],
  ['fleets', fleetTable],
])('docs/edge.md has the %s of the price list', (_name, table) => {
  expect(page).toContain(tableMarkdown(table()));
});
