import * as v from 'valibot';
import type { TenantId } from '../core/tenant-id.ts';
import { countNames, hourOf, type UsageHour } from '../core/usage.ts';
import { closedObject } from '../core/validation.ts';
import { Problem } from '../http/problem.ts';
import { checkedParameters, literalParameters } from '../http/read.ts';
import type { AdminContext } from './context.ts';
import { type AdminOperation, existingTenant } from './request.ts';

const hourMs = 3_600_000;
const minuteMs = 60_000;
/** Maximum of hours in one answer: a month. */
const maxHours = 31 * 24;
/** Maximum of minutes in one answer: two days, which are 48 rows. */
const maxMinutes = 48 * 60;

/** In which steps usage is shown, and how a step is written. */
const resolutions = {
  hour: {
    stepMs: hourMs,
    maxSteps: maxHours,
    defaultSteps: 24,
    pattern: /^\d{4}-\d{2}-\d{2}T\d{2}$/,
    rest: ':00:00Z',
    example: '2026-11-21T06',
  },
  minute: {
    stepMs: minuteMs,
    maxSteps: maxMinutes,
    defaultSteps: 60,
    pattern: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/,
    rest: ':00Z',
    example: '2026-11-21T06:05',
  },
} as const;
type Resolution = keyof typeof resolutions;

const resolutionSchema = closedObject({
  resolution: v.exactOptional(v.picklist(['hour', 'minute']), 'hour'),
});

/**
 * Usage by hour, or by minute, and the current gauges. `?from=` and `?to=` are hours such as
 * `2026-11-21T06` or minutes such as `2026-11-21T06:05`, in UTC; default: the last 24 hours or the
 * last 60 minutes.
 */
export const showUsage: AdminOperation = async (call) => {
  const { context, request } = call;
  const { query } = request;
  const { resolution } = checkedParameters(resolutionSchema, literalParameters(query, ['resolution']));
  const tenant = await existingTenant(call);
  const nowMs = context.clock.nowMs();
  const { stepMs, maxSteps, defaultSteps } = resolutions[resolution];
  const to = timeIn(query, 'to', resolution) ?? nowMs;
  const from = timeIn(query, 'from', resolution) ?? to - (defaultSteps - 1) * stepMs;
  if (from > to || to - from >= maxSteps * stepMs)
    throw new Problem('parameter', {
      detail: `?from= is before ?to=, by at most ${maxSteps} ${resolution}s`,
    });
  const [steps, now] = await Promise.all([
    resolution === 'hour'
      ? hoursOf(context, tenant, from, Math.min(to, nowMs))
      : minutesOf(context, tenant, from, to),
    context.usage.gauges(tenant),
  ]);
  return { status: 200, body: { ...steps, now } };
};

async function hoursOf(
  { usage }: AdminContext,
  tenant: TenantId,
  fromMs: number,
  toMs: number,
): Promise<{ readonly hours: readonly object[] }> {
  const [hours, stored] = await Promise.all([
    usage.report(tenant, hourOf(fromMs), hourOf(toMs)),
    usage.storedBefore(tenant, hourOf(fromMs)),
  ]);
  return { hours: filled(hours, stored, fromMs, toMs) };
}

/** Minutes without counts are left out. */
async function minutesOf(
  { usage }: AdminContext,
  tenant: TenantId,
  fromMs: number,
  toMs: number,
): Promise<{ readonly minutes: readonly object[] }> {
  const [first, last] = [fromMs, toMs].map((ms) => new Date(ms).toISOString().slice(0, 16));
  const minutes = await usage.reportMinutes(tenant, hourOf(fromMs), hourOf(toMs));
  return {
    minutes: minutes
      .filter(({ minute }) => minute >= (first ?? '') && minute <= (last ?? ''))
      .map(({ minute, counts }) => ({ minute, ...counts })),
  };
}

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
    const { counts = noCounts, refusals = {} } = found ?? {};
    all.push({ hour: hourOf(ms), ...counts, storedBytes, refusals });
  }
  return all;
}

const noCounts = Object.fromEntries(countNames.map((name) => [name, 0]));

/** A parameter that is a time of that resolution, in ms since 1970. */
function timeIn(query: URLSearchParams, name: string, resolution: Resolution): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const { pattern, rest, example } = resolutions[resolution];
  const ms = pattern.test(text) ? Date.parse(text + rest) : Number.NaN;
  if (Number.isNaN(ms)) {
    const article = resolution === 'hour' ? 'an' : 'a';
    throw new Problem('parameter', { detail: `?${name}= is ${article} ${resolution} such as ${example}` });
  }
  return ms;
}
