import { setImmediate as turn } from 'node:timers/promises';
import { isObject } from '../aws-json.ts';
import { callOf, type StoreCall } from './call.ts';
import type { EngineRequestHandler } from './index.ts';

export interface MeteredCall extends StoreCall {
  /** Position of the call's start and end among all starts and ends; no time. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Consumed units by the documented rule, failed conditions included. */
  readonly readUnits: number;
  readonly writeUnits: number;
  /** `ConditionalCheckFailedException`, …; undefined when it succeeded. */
  readonly error: string | undefined;
}

export interface Totals {
  readonly calls: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Calls that follow one another; those that overlap count once. */
  readonly sequentialRoundTrips: number;
}

export interface Meter {
  readonly requestHandler: EngineRequestHandler;
  /** In the order of their ends. */
  readonly calls: readonly MeteredCall[];
  totals(): Totals;
  /** Forgets what was recorded. */
  reset(): void;
}

/**
 * Records every call that passes through to `handler`; counts only, so tests may assert them.
 *
 * @param nextPosition counts starts and ends; shared with whatever else is to be put in one order with the calls.
 */
export function createMeter(handler: EngineRequestHandler, nextPosition: () => number = positions()): Meter {
  let calls: MeteredCall[] = [];
  return {
    requestHandler: {
      ...handler,
      async handle(request) {
        const call = callOf(request);
        const startedAt = nextPosition();
        const { response } = await handler.handle(request);
        // Calls made together start a few microtasks apart: a whole turn keeps the first from ending in between.
        await turn();
        const units = [...response.capacity().values()];
        calls.push({
          ...call,
          startedAt,
          endedAt: nextPosition(),
          readUnits: units.reduce((total, { readUnits }) => total + readUnits, 0),
          writeUnits: units.reduce((total, { writeUnits }) => total + writeUnits, 0),
          error: response.statusCode === 200 ? undefined : errorOf(response.body),
        });
        return { response };
      },
    },
    get calls() {
      return calls;
    },
    totals: () => totalsOf(calls),
    reset() {
      calls = [];
    },
  };
}

/** 1, 2, 3, … */
export function positions(): () => number {
  let position = 0;
  return () => {
    position += 1;
    return position;
  };
}

export function totalsOf(calls: readonly MeteredCall[]): Totals {
  return {
    calls: calls.length,
    readUnits: calls.reduce((total, { readUnits }) => total + readUnits, 0),
    writeUnits: calls.reduce((total, { writeUnits }) => total + writeUnits, 0),
    sequentialRoundTrips: sequentialRoundTrips(calls),
  };
}

/** The longest chain of calls of which each starts after the one before has ended (interval scheduling: earliest end first). */
export function sequentialRoundTrips(
  calls: readonly { readonly startedAt: number; readonly endedAt: number }[],
): number {
  let roundTrips = 0;
  let chainEnd = Number.NEGATIVE_INFINITY;
  for (const { startedAt, endedAt } of calls.toSorted((a, b) => a.endedAt - b.endedAt)) {
    if (startedAt <= chainEnd) continue;
    roundTrips += 1;
    chainEnd = endedAt;
  }
  return roundTrips;
}

function errorOf(body: Uint8Array): string {
  const parsed: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
  const type = isObject(parsed) ? parsed.__type : undefined;
  return typeof type === 'string' ? type.slice(type.indexOf('#') + 1) : 'UnknownError';
}
