import type { PredefinedRoute, Route } from './events.ts';
import { meteredMessageBytes } from './limits.ts';

/** Counters since the start. AWS bills `meteredMessages…` and `connectionMinutes`. */
export interface Meters {
  connects: number;
  refusedConnects: number;
  disconnects: number;
  /** Messages from clients on all routes. */
  messagesIn: number;
  /** Route responses, error frames and posts sent to clients. */
  messagesOut: number;
  /** Messages in units of 32 KB; an empty message counts as one. */
  meteredMessagesIn: number;
  meteredMessagesOut: number;
  /** Time that connections were open, rounded up per connection. Includes open connections. */
  connectionMinutes: number;
  invocations: Record<PredefinedRoute, number> & Record<Route, number>;
  /** Sum of durations, each rounded up to a millisecond. Includes failures and time-outs. */
  billedMs: Record<PredefinedRoute, number> & Record<Route, number>;
  /** The function threw or returned a malformed result, or a fault was injected. */
  failedInvocations: number;
  timedOutInvocations: number;
  routeResponses: number;
  posts: number;
  /** Posts answered with 4xx or 5xx, by status. */
  refusedPosts: Record<number, number>;
}

export function createMeters(): Meters {
  return {
    connects: 0,
    refusedConnects: 0,
    disconnects: 0,
    messagesIn: 0,
    messagesOut: 0,
    meteredMessagesIn: 0,
    meteredMessagesOut: 0,
    connectionMinutes: 0,
    invocations: { $connect: 0, $default: 0, $disconnect: 0 },
    billedMs: { $connect: 0, $default: 0, $disconnect: 0 },
    failedInvocations: 0,
    timedOutInvocations: 0,
    routeResponses: 0,
    posts: 0,
    refusedPosts: {},
  };
}

export function meteredMessages(byteLength: number): number {
  return Math.max(1, Math.ceil(byteLength / meteredMessageBytes));
}

export function meteredMinutes(durationMs: number): number {
  return Math.max(1, Math.ceil(durationMs / 60_000));
}
