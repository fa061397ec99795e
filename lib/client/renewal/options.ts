import type { Timers } from '../types.ts';

/** Why a token is wanted. After `refused` the service does not accept the last one any more. */
export type TokenReason = 'connect' | 'renew' | 'refused';

/**
 * Returns a token of the tenant. Called before each connection and each renewal; it may return a
 * cached token unless `reason` is `refused`. A failure or 30 seconds without an answer is reported
 * as `error`, and it is called again after a pause.
 */
export type GetToken = (reason: TokenReason) => string | Promise<string>;

/** The clock, for tests. */
export interface RenewalClock extends Timers {
  /** Milliseconds since 1970. */
  now(): number;
}

/** Options that all MQTT libraries share. */
export interface RenewalOptions {
  readonly getToken: GetToken;
  /**
   * Longest pause before a reconnect, in milliseconds. Each pause is random, between 0 and a bound
   * that doubles from 1,000 ms up to this one ("full jitter"). Default: 60,000.
   */
  readonly maxReconnectMs?: number;
  /**
   * The same bound while the service refuses the client, with 0x87 for example. Default: 300,000.
   */
  readonly maxRefusedReconnectMs?: number;
  /** Default: the global functions. */
  readonly clock?: RenewalClock;
  /** 0 ≤ number < 1. Default: `Math.random`. */
  readonly random?: () => number;
}

/** The global functions. */
export const systemClock: RenewalClock = {
  now: () => Date.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as undefined),
};
