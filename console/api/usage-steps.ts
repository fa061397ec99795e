import type { Gauges, UsageHour } from './types.ts';

/** Steps in which the service counts. */
export type Resolution = 'hour' | 'minute';

/** Counters of one step; by the minute the service has only messages and refusals. */
export interface UsageStep extends Partial<UsageHour> {
  /** Refusals of all codes. */
  readonly refused?: number;
}

/** Usage in equal steps without gaps: a step that the service leaves out had nothing. */
export interface UsageSteps {
  readonly resolution: Resolution;
  /** Beginnings of the steps, in seconds since 1970. */
  readonly times: readonly number[];
  readonly steps: readonly UsageStep[];
  readonly now: Gauges;
}

/** `2026-11-21T06` or `2026-11-21T06:05`, in UTC, as the service names its steps. */
export function stepName(seconds: number, resolution: Resolution): string {
  return new Date(seconds * 1_000).toISOString().slice(0, resolution === 'hour' ? 13 : 16);
}

/** Values of one counter, for a plot. @param per divides each, such as 60 for "a second" */
export function valuesOf({ steps }: UsageSteps, counter: keyof UsageStep, per = 1): number[] {
  return steps.map((step) => Number(step[counter] ?? 0) / per);
}

/** Sums the steps of several tenants; all have the same times. Undefined without tenants. */
export function addUp([first, ...others]: readonly UsageSteps[]): UsageSteps | undefined {
  if (first === undefined) return undefined;
  let { steps, now } = first;
  for (const other of others) {
    steps = steps.map((step, index) => addSteps(step, other.steps[index] ?? {}));
    now = {
      connections: now.connections + other.now.connections,
      retainedMessages: now.retainedMessages + other.now.retainedMessages,
      retainedBytes: now.retainedBytes + other.now.retainedBytes,
    };
  }
  return { ...first, steps, now };
}

function addSteps(one: UsageStep, other: UsageStep): UsageStep {
  const sum: Record<string, unknown> = { ...one };
  for (const [name, value] of Object.entries(other)) {
    if (typeof value === 'number') sum[name] = Number(sum[name] ?? 0) + value;
    else if (name === 'refusals') sum[name] = addCounts(one.refusals ?? {}, other.refusals ?? {});
  }
  return sum;
}

type Counts = Readonly<Record<string, number>>;

function addCounts(one: Counts, other: Counts): Counts {
  const sum: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** Refusals of all steps by code, the most frequent first. */
export function refusalsByCode({ steps }: UsageSteps): readonly (readonly [code: string, count: number])[] {
  const total = steps.reduce<Counts>((sum, { refusals = {} }) => addCounts(sum, refusals), {});
  return Object.entries(total).sort(([, one], [, other]) => other - one);
}

const csvColumns = [
  'messagesIn',
  'bytesIn',
  'messagesOut',
  'bytesOut',
  'connects',
  'connectionMs',
  'packetsIn',
  'deliveries',
  'ruleDeliveries',
  'ruleFailures',
  'storedBytes',
  'refused',
] as const satisfies readonly (keyof UsageStep)[];

/** RFC 4180: a line for each step, with the counters that the resolution has. */
export function csvOf({ resolution, times, steps }: UsageSteps): string {
  const columns = csvColumns.filter((name) => steps.some((step) => name in step));
  const head = [resolution, ...columns].join(',');
  const lines = steps.map((step, index) =>
    [stepName(times[index] ?? 0, resolution), ...columns.map((name) => step[name] ?? 0)].join(','),
  );
  return `${[head, ...lines].join('\r\n')}\r\n`;
}
