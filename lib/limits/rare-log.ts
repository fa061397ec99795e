import type { Context } from '../core/context.ts';

/** Time in which one subject is logged once, in milliseconds. */
const logIntervalMs = 60_000;
/** Subjects whose last log line is known. When there are more, all are forgotten. */
const maxSubjects = 10_000;

/** When each subject was last logged, in ms since 1970, by process. */
const loggedAtMs = new WeakMap<Context, Map<string, number>>();

/**
 * Whether to log what a client may cause any number of times: once per subject and minute in each
 * process.
 */
export function mayLog(context: Context, subject: string): boolean {
  const subjects = loggedAtMs.get(context) ?? new Map<string, number>();
  loggedAtMs.set(context, subjects);
  const nowMs = context.clock.nowMs();
  if (nowMs - (subjects.get(subject) ?? Number.NEGATIVE_INFINITY) < logIntervalMs) return false;
  if (subjects.size >= maxSubjects) subjects.clear();
  subjects.set(subject, nowMs);
  return true;
}
