import { setImmediate as turn } from 'node:timers/promises';
import { isJsonObject, jsonOf } from '../aws-json.ts';
import { type StoreCall, storeCallOf } from './call.ts';
import type { EngineRequestHandler } from './index.ts';

export interface MeteredCall extends StoreCall {
  /** Position of the call's start and end in the sequence of all starts and ends; not a time. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Consumed units, including failed conditions. */
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Error type, such as `ConditionalCheckFailedException`; undefined if the call succeeded. */
  readonly error: string | undefined;
}

export interface Totals {
  readonly calls: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Calls in sequence; overlapping calls count once. */
  readonly sequentialRoundTrips: number;
}

export interface Meter {
  readonly requestHandler: EngineRequestHandler;
  /** In order of their ends. */
  readonly calls: readonly MeteredCall[];
  totals(): Totals;
  /** Discards all records. */
  reset(): void;
}

/**
 * Records all calls to `handler`. Records counts, not times, so that tests can assert them.
 *
 * @param nextPosition numbers starts and ends. Shared to order the calls among other events.
 */
export function createMeter(handler: EngineRequestHandler, nextPosition: () => number = positions()): Meter {
  let calls: MeteredCall[] = [];
  return {
    requestHandler: {
      ...handler,
      async handle(request) {
        const call = storeCallOf(request);
        const startedAt = nextPosition();
        const { response } = await handler.handle(request);
        // Concurrent calls start microtasks apart. Waiting for a turn of the event loop keeps the
        // first from ending before the last has started.
        await turn();
        const units = [...response.capacity().values()];
        calls.push({
          ...call,
          startedAt,
          endedAt: nextPosition(),
          readUnits: units.reduce((total, { readUnits }) => total + readUnits, 0),
          writeUnits: units.reduce((total, { writeUnits }) => total + writeUnits, 0),
          error: response.statusCode === 200 ? undefined : errorOf(jsonOf(response)),
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

function totalsOf(calls: readonly MeteredCall[]): Totals {
  return {
    calls: calls.length,
    readUnits: calls.reduce((total, { readUnits }) => total + readUnits, 0),
    writeUnits: calls.reduce((total, { writeUnits }) => total + writeUnits, 0),
    sequentialRoundTrips: sequentialRoundTrips(calls),
  };
}

/**
 * Length of the longest chain of calls that do not overlap (interval scheduling, earliest end
 * first).
 */
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

function errorOf(parsed: unknown): string {
  const type = isJsonObject(parsed) ? parsed.__type : undefined;
  return typeof type === 'string' ? type.slice(type.indexOf('#') + 1) : 'UnknownError';
}
