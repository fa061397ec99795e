/** The local service and clients over lifetimes of tokens: both live by one clock, which jumps. */
import type { RenewalClock } from '../../lib/client/connect-node.ts';
import { createManualClock, type ManualClock } from '../../lib/local/clock.ts';
import { type Mint, startTestService, type TestService } from '../support/service.ts';

/** Below the ten minutes after which API Gateway ends idle connections. */
export const lifetimeSeconds = 400;

/** Shorter than the service waits for CONNECT. */
const stepSeconds = 5;

export interface PassingTime {
  readonly service: TestService;
  readonly mint: Mint;
  readonly clock: ManualClock;
  /** The same clock for a client. */
  readonly clientClock: RenewalClock;
  nowSeconds(): number;
  /** Keeps time from passing until `work` has ended. */
  counted<Result>(work: Promise<Result>): Promise<Result>;
  /** Keeps time from passing while a client connects: call the result with what it does now. */
  countOpening(): (isOpening: boolean) => void;
  /** A token that ends after {@link lifetimeSeconds}. */
  shortToken(): Promise<string>;
  /** Lets time pass, and what it starts end before more of it passes. */
  pass(seconds: number, isEnough?: () => boolean): Promise<void>;
  /** Lets time pass in steps until `event` has happened. Returns seconds. */
  advanceUntil(event: Promise<unknown>, seconds?: number): Promise<number>;
}

/** Starts the service with one tenant. */
export async function startPassingTime(): Promise<PassingTime> {
  const clock = createManualClock();
  const nowSeconds = () => Math.floor(clock.now() / 1_000);
  let underWay = 0;

  async function counted<Result>(work: Promise<Result>): Promise<Result> {
    underWay += 1;
    try {
      return await work;
    } finally {
      underWay -= 1;
    }
  }

  function countOpening(): (isOpening: boolean) => void {
    let wasOpening = false;
    return (isOpening) => {
      if (isOpening !== wasOpening) underWay += isOpening ? 1 : -1;
      wasOpening = isOpening;
    };
  }

  const service = await startTestService({
    clock,
    wrapStore: (handler) => ({
      ...handler,
      handle: (request) => counted(handler.handle(request)),
    }),
  });
  const mint = await service.tenant('acme');

  /** Waits until nothing is under way: time that passes meanwhile would end invocations. */
  async function settle(isEnough = () => false): Promise<void> {
    for (let quietTurns = 0; quietTurns < 50 && !isEnough(); quietTurns += 1) {
      await new Promise(setImmediate);
      if (underWay > 0) quietTurns = 0;
    }
  }

  async function pass(seconds: number, isEnough?: () => boolean): Promise<void> {
    for (let left = seconds; left > 0; left -= stepSeconds) {
      await settle(isEnough);
      await clock.advance(Math.min(left, stepSeconds) * 1_000);
      await service.queues.idle();
    }
    await settle(isEnough);
  }

  return {
    service,
    mint,
    clock,
    clientClock: {
      now: clock.now,
      setTimeout: (callback, ms) => clock.schedule(callback, ms),
      clearTimeout: (cancel) => (cancel as (() => void) | undefined)?.(),
    },
    nowSeconds,
    counted,
    countOpening,
    shortToken: () => counted(mint({ iat: nowSeconds(), exp: nowSeconds() + lifetimeSeconds })),
    pass,
    async advanceUntil(event, seconds = 1) {
      const startMs = clock.now();
      let happened = false;
      void event.then(() => {
        happened = true;
      });
      while (!happened) await pass(seconds, () => happened);
      return (clock.now() - startMs) / 1_000;
    },
  };
}
