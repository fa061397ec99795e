import { admin } from './call.ts';
import type { Usage, UsageHour, UsageMinute } from './types.ts';
import { type Resolution, stepName, type UsageStep, type UsageSteps } from './usage-steps.ts';

const stepSeconds = { hour: 3_600, minute: 60 } as const;

/**
 * The usage of a tenant in the last `count` steps, the current one included.
 *
 * @param count at most 744 hours or 2,880 minutes
 */
export async function loadUsage(
  tenant: string,
  resolution: Resolution,
  count: number,
  signal?: AbortSignal,
): Promise<UsageSteps> {
  const seconds = stepSeconds[resolution];
  const last = Math.floor(Date.now() / 1_000 / seconds) * seconds;
  const times = Array.from({ length: count }, (_, index) => last - (count - 1 - index) * seconds);
  const path = `/tenants/${encodeURIComponent(tenant)}/usage`;
  const query = { resolution, from: stepName(times[0] ?? last, resolution), to: stepName(last, resolution) };
  const { now, ...found } = await admin<Usage>('GET', path, { query, signal });
  const byName = new Map<string, UsageStep>(
    'minutes' in found ? found.minutes.map(ofMinute) : found.hours.map(ofHour),
  );
  return { resolution, times, steps: times.map((time) => byName.get(stepName(time, resolution)) ?? {}), now };
}

function ofMinute({ minute, refusals: refused, ...counts }: UsageMinute): [string, UsageStep] {
  return [minute, { ...counts, refused }];
}

function ofHour(hour: UsageHour): [string, UsageStep] {
  const refused = Object.values(hour.refusals).reduce((sum, count) => sum + count, 0);
  return [hour.hour, { ...hour, refused }];
}
