import type { Clock } from '../clock.ts';
import type { GatewayEvent, Route } from './events.ts';

/** Milliseconds on the gateway's clock, or a promise that the test resolves. */
export type Delay = number | PromiseLike<unknown> | undefined;

export interface Call {
  readonly route: Route;
  readonly connectionId: string;
  readonly event: GatewayEvent;
  /** The gateway's generator, so that one seed determines the whole run. */
  readonly random: () => number;
}

export interface Post {
  readonly connectionId: string;
  readonly body: Buffer;
  readonly random: () => number;
}

/**
 * Injects faults that occur in AWS. Each member is called once per event and decides by the event,
 * by the test's own counter, or by `random`. If a member throws, the invocation fails or the post
 * is answered with 500.
 */
export interface FaultPlan {
  /**
   * Delays the start of an invocation. Invocations of one connection may then overtake each other,
   * as in Lambda.
   */
  delayInvoke?(call: Call): Delay;
  /** Delays a route response. Route responses and posts may then overtake each other. */
  delayRouteResponse?(call: Call): Delay;
  delayPost?(post: Post): Delay;
  /** 'before': the function does not run. 'after': it runs, and its result is lost. */
  failInvocation?(call: Call): 'before' | 'after' | undefined;
  /** Drops the response of a function that has run. The connection stays open. */
  dropRouteResponse?(call: Call): boolean;
  /** Drops a `$disconnect`, which AWS delivers best effort. */
  dropDisconnect?(call: Call): boolean;
  /** Answers 429 LimitExceededException, 500 or 503, and sends nothing to the client. */
  refusePost?(post: Post): 429 | 500 | 503 | undefined;
  /** Loses the network without a close handshake, before an invocation or its route response. */
  cut?(call: Call, moment: 'invoke' | 'routeResponse'): boolean;
}

/** Undefined without a delay, so that the caller can continue in the same tick. */
export function waitFor(delay: Delay, clock: Clock): PromiseLike<unknown> | undefined {
  if (typeof delay !== 'number') return delay;
  return new Promise<void>((resolve) => {
    clock.schedule(resolve, delay);
  });
}

/** A delay that is uniformly distributed between 0 and `maxMs`. */
export function jitter(maxMs: number): (about: { readonly random: () => number }) => number {
  return ({ random }) => random() * maxMs;
}

/** Deterministic random numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
