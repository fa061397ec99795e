import { AwsError } from '../aws-json.ts';
import { type StoreCall, storeCallOf } from './call.ts';
import type { EngineRequestHandler, EngineResponse } from './index.ts';

export interface Interception {
  /** Runs before the call. A pending promise holds the call; an error fails it without effect. */
  before?(call: StoreCall): unknown;
  /** Runs after the call. An error loses the response of a call that took effect. */
  after?(call: StoreCall, response: EngineResponse): unknown;
}

/**
 * Lets a test hold, reorder and fail calls between client and store. An AwsError becomes an error
 * response, which the SDK retries if it is throttling or 5xx. Any other error breaks the
 * connection.
 */
export function intercept(handler: EngineRequestHandler, hooks: Interception): EngineRequestHandler {
  return {
    ...handler,
    async handle(request) {
      const call = storeCallOf(request);
      try {
        await hooks.before?.(call);
        const { response } = await handler.handle(request);
        await hooks.after?.(call, response);
        return { response };
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        return { response: Object.assign(error.toResponse(), { capacity: () => new Map() }) };
      }
    },
  };
}

/** A call that a gate holds. */
export interface HeldCall extends StoreCall {
  release(): void;
  /** An AwsError is an error response; any other error breaks the connection. */
  fail(error: Error): void;
}

export interface Gate {
  /** To be used as `before` or `after`. */
  hold(call: StoreCall): Promise<void>;
  /** Takes the first matching call that is held, or waits for it. */
  next(matches?: (call: StoreCall) => boolean): Promise<HeldCall>;
  /** Releases all held calls and lets later calls pass. */
  open(): void;
}

/** Holds all calls. The test releases them in any order. */
export function createGate(): Gate {
  const held: HeldCall[] = [];
  const takers: { matches: (call: StoreCall) => boolean; take: (call: HeldCall) => void }[] = [];
  let isOpen = false;
  return {
    hold(call) {
      if (isOpen) return Promise.resolve();
      return new Promise((release, fail) => {
        const heldCall: HeldCall = { ...call, release, fail };
        const taker = takers.findIndex(({ matches }) => matches(call));
        if (taker >= 0) takers.splice(taker, 1)[0]?.take(heldCall);
        else held.push(heldCall);
      });
    },
    next(matches = () => true) {
      const index = held.findIndex(matches);
      const [call] = index >= 0 ? held.splice(index, 1) : [];
      return call ? Promise.resolve(call) : new Promise((take) => takers.push({ matches, take }));
    },
    open() {
      isOpen = true;
      for (const call of held.splice(0)) call.release();
    },
  };
}
