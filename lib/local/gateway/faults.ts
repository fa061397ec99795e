import type { Clock } from '../clock.ts';
import type { GatewayEvent, Route } from './events.ts';

/** Milliseconds on the gateway's clock, or a gate that a test opens by resolving the promise. */
export type Delay = number | PromiseLike<unknown> | undefined;

export interface Call {
  readonly route: Route;
  readonly connectionId: string;
  readonly event: GatewayEvent;
  /** The gateway's own, so that one seed decides everything. */
  readonly random: () => number;
}

export interface Post {
  readonly connectionId: string;
  readonly body: Buffer;
  readonly random: () => number;
}

/**
 * What may go wrong in AWS, made to happen. Every member is asked anew each time and decides by the event, by a count
 * that the test keeps, or by `random`. A member that throws counts as a failed invocation or a 500.
 */
export interface FaultPlan {
  /** Lets invocations start late, and those of one connection overtake each other, as Lambda does. */
  delayInvoke?(call: Call): Delay;
  /** Lets route responses overtake each other and be overtaken by posts. */
  delayRouteResponse?(call: Call): Delay;
  delayPost?(post: Post): Delay;
  /** 'before': the function never runs; 'after': it runs to its end and its result is lost, as if it died at its last line. */
  failInvocation?(call: Call): 'before' | 'after' | undefined;
  /** The function has run; the client hears nothing, and no connection is closed. */
  dropRouteResponse?(call: Call): boolean;
  /** `$disconnect` is best effort. */
  dropDisconnect?(call: Call): boolean;
  /** 429 LimitExceededException or 500; nothing reaches the client. */
  refusePost?(post: Post): 429 | 500 | undefined;
  /** The network is lost, without a close handshake, where an invocation or its route response would begin. */
  cut?(call: Call, moment: 'invoke' | 'routeResponse'): boolean;
}

/** Undefined where there is nothing to wait for: the caller then goes on within the same tick. */
export function wait(delay: Delay, clock: Clock): PromiseLike<unknown> | undefined {
  if (typeof delay !== 'number') return delay;
  return new Promise<void>((resolve) => {
    clock.schedule(resolve, delay);
  });
}

/** For `delay…`: evenly spread between 0 and `maxMs`. */
export function jitter(maxMs: number): (about: { readonly random: () => number }) => number {
  return ({ random }) => random() * maxMs;
}

/** The same numbers in [0, 1) for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
