import type { PredefinedRoute, Route } from './events.ts';
import { meteredMessageBytes } from './limits.ts';

/** Counted since the start. What AWS bills are `meteredMessages…` and `connectionMinutes`. */
export interface Meters {
  connects: number;
  refusedConnects: number;
  disconnects: number;
  /** Messages from clients, whatever route they select. */
  messagesIn: number;
  /** Route responses, error frames and posts that were sent. */
  messagesOut: number;
  /** In increments of 32 KB, an empty message counting as one. */
  meteredMessagesIn: number;
  meteredMessagesOut: number;
  /** Time that connections were open, rounded up for each of them; open ones included. */
  connectionMinutes: number;
  /** Functions started, by route. */
  invocations: Record<PredefinedRoute, number> & Record<Route, number>;
  /** How long they ran in milliseconds, each rounded up, those that failed or timed out included. */
  billedMs: Record<PredefinedRoute, number> & Record<Route, number>;
  /** Threw, answered with something malformed, or made to fail. */
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
