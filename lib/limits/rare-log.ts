import type { Context } from '../core/context.ts';
import type { Log } from '../core/ports.ts';

/** Time in which one subject is logged once, in milliseconds. */
const logIntervalMs = 60_000;
/** Subjects whose last log line is known. When there are more, the oldest are forgotten. */
const maxSubjects = 10_000;

/** What a process has logged. */
interface Logged {
  /** When each subject was last logged, in ms since 1970. */
  readonly atMs: Map<string, number>;
  minuteStartMs: number;
  /** Lines in the minute that began at {@link minuteStartMs}. */
  lines: number;
  /** What was left out since the last line because of the bound of all lines. */
  leftOut: number;
}

const logged = new WeakMap<Log, Logged>();

/**
 * Whether to log what a client may cause any number of times: once per subject in each process, and
 * at most `linesPerMinute` lines in all.
 *
 * @param isLasting whether the subject is logged once for as long as it is known, as a connection
 *   is; else once a minute.
 * @returns how many have been left out before this one by the bound of all lines; undefined: leave
 *   this one out.
 */
export function takeLogLine(
  { log, clock }: Pick<Context, 'log' | 'clock'>,
  subject: string,
  { linesPerMinute, isLasting }: { readonly linesPerMinute: number; readonly isLasting: boolean },
): number | undefined {
  const known = logged.get(log) ?? { atMs: new Map(), minuteStartMs: 0, lines: 0, leftOut: 0 };
  logged.set(log, known);
  const nowMs = clock.nowMs();
  const earlierMs = known.atMs.get(subject);
  if (earlierMs !== undefined && (isLasting || nowMs - earlierMs < logIntervalMs)) return undefined;
  if (nowMs - known.minuteStartMs >= logIntervalMs) {
    known.minuteStartMs = nowMs;
    known.lines = 0;
  }
  if (known.lines >= linesPerMinute) {
    known.leftOut += 1;
    return undefined;
  }
  known.lines += 1;
  known.atMs.delete(subject);
  known.atMs.set(subject, nowMs);
  const [oldest] = known.atMs.keys();
  if (known.atMs.size > maxSubjects && oldest !== undefined) known.atMs.delete(oldest);
  const { leftOut } = known;
  known.leftOut = 0;
  return leftOut;
}
