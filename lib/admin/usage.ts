import { countNames, hourOf, type UsageHour } from '../core/usage.ts';
import { Problem } from '../http/problem.ts';
import { type AdminOperation, existingTenant } from './request.ts';

const hourPattern = /^\d{4}-\d{2}-\d{2}T\d{2}$/;
const hourMs = 3_600_000;
/** Maximum of hours in one answer: a month. */
const maxHours = 31 * 24;

/**
 * Usage by hour and the current gauges. `?from=` and `?to=` are hours such as `2026-11-21T06` in
 * UTC; default: the last 24 hours.
 */
export const showUsage: AdminOperation = async (call) => {
  const { context, request } = call;
  const tenant = await existingTenant(call);
  const nowMs = context.clock.nowMs();
  const to = hour(request.query, 'to') ?? nowMs;
  const from = hour(request.query, 'from') ?? to - 23 * hourMs;
  if (from > to || to - from >= maxHours * hourMs)
    throw new Problem('parameter', { detail: `?from= is before ?to=, by at most ${maxHours} hours` });
  const [hours, stored, now] = await Promise.all([
    context.usage.report(tenant, hourOf(from), hourOf(to)),
    context.usage.storedBefore(tenant, hourOf(from)),
    context.usage.gauges(tenant),
  ]);
  return { status: 200, body: { hours: filled(hours, stored, from, Math.min(to, nowMs)), now } };
};

/**
 * Adds the hours without counts in which data was stored, because storage is billed for them.
 * Leaves out hours with neither.
 */
function filled(hours: readonly UsageHour[], storedBefore: number, fromMs: number, toMs: number): object[] {
  const byHour = new Map(hours.map((found) => [found.hour, found]));
  const all: object[] = [];
  let storedBytes = storedBefore;
  for (let ms = fromMs; hourOf(ms) <= hourOf(toMs); ms += hourMs) {
    const found = byHour.get(hourOf(ms));
    storedBytes = found?.storedBytes ?? storedBytes;
    if (found === undefined && storedBytes <= 0) continue;
    all.push({ hour: hourOf(ms), ...(found?.counts ?? noCounts), storedBytes });
  }
  return all;
}

const noCounts = Object.fromEntries(countNames.map((name) => [name, 0]));

function hour(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const ms = hourPattern.test(text) ? Date.parse(`${text}:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms))
    throw new Problem('parameter', { detail: `?${name}= is an hour such as 2026-11-21T06` });
  return ms;
}
