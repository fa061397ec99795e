import { ends } from './ends.ts';
import { frames } from './frames.ts';
import type { Measurement, Subject } from './subject.ts';
import { times } from './times.ts';

export { createSubject } from './subject.ts';

/** Throttling last: it also throttles what is measured beside it. */
const measurements: readonly Measurement[] = [
  ...times,
  ...frames.filter(({ name }) => name !== 'throttledFrames'),
  ...ends,
  ...frames.filter(({ name }) => name === 'throttledFrames'),
];

/** What a deployed stack cannot show. */
const notMeasured = {
  emptyReply: 'What does a function with an empty body answer? No function of Wisp does that.',
  authorizerContext:
    'Are numbers and booleans of an authorizer texts in events? Wisp has no authorizer on $connect.',
  framing: 'Into which frames is a message above 32 KB split? The client library joins them.',
} as const;

export interface MeasurementResult {
  readonly question: string;
  /** Absent if it was left out or failed. */
  readonly result?: object;
  readonly leftOut?: string;
  readonly failed?: string;
}

/**
 * Answers what the documents of AWS leave open, as far as a deployed stack can show it.
 *
 * @param waitSeconds longest time for one measurement; those that need more are left out.
 */
export async function* measure(
  subject: Subject,
  waitSeconds: number,
): AsyncGenerator<[name: string, result: MeasurementResult]> {
  for (const { name, question, seconds = 0, run } of measurements) {
    if (seconds > waitSeconds) {
      yield [name, { question, leftOut: `needs --measure-wait ${Math.ceil(seconds / 60)}m` }];
      continue;
    }
    try {
      yield [name, { question, result: await run(subject) }];
    } catch (error) {
      yield [name, { question, failed: error instanceof Error ? error.message : String(error) }];
    }
  }
  for (const [name, question] of Object.entries(notMeasured))
    yield [name, { question, leftOut: 'a deployed stack cannot show it' }];
}
