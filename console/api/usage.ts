import { admin } from './call.ts';
import type { Usage, UsageHour, UsageMinute } from './types.ts';
import { type Resolution, stepName, type UsageSteps } from './usage-steps.ts';

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
  const byName = new Map<string, Partial<UsageHour>>(
    'minutes' in found
      ? found.minutes.map((minute: UsageMinute) => [minute.minute, minute])
      : found.hours.map((hour: UsageHour) => [hour.hour, hour]),
  );
  return { resolution, times, steps: times.map((time) => byName.get(stepName(time, resolution)) ?? {}), now };
}
