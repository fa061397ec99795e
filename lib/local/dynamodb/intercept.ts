import { AwsError } from '../aws-json.ts';
import { callOf, type StoreCall } from './call.ts';
import type { EngineRequestHandler, EngineResponse } from './index.ts';

export interface Interception {
  /** Before the call reaches the store. Waiting holds it; throwing fails it with nothing done. */
  before?(call: StoreCall): unknown;
  /** After the store has answered. Throwing loses the answer of a call that took effect. */
  after?(call: StoreCall, response: EngineResponse): unknown;
}

/**
 * Puts a test's hand between client and store: hold, reorder, fail. A thrown AwsError is answered as the service would
 * (the SDK then retries throttling and 5xx), any other error as a broken connection.
 */
export function intercept(handler: EngineRequestHandler, hooks: Interception): EngineRequestHandler {
  return {
    ...handler,
    async handle(request) {
      const call = callOf(request);
      try {
        await hooks.before?.(call);
        const { response } = await handler.handle(request);
        await hooks.after?.(call, response);
        return { response };
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        return { response: { ...error.toResponse(), capacity: () => new Map() } };
      }
    },
  };
}

/** A call that waits at a gate. */
export interface HeldCall extends StoreCall {
  release(): void;
  /** An AwsError for a refusal of the service, anything else for a broken connection. */
  fail(error: Error): void;
}

export interface Gate {
  /** For `before` or `after`. */
  hold(call: StoreCall): Promise<void>;
  /** The next call to arrive, or to have arrived, that nobody has taken yet. */
  next(matches?: (call: StoreCall) => boolean): Promise<HeldCall>;
  /** From now on every call passes; those held go on. */
  open(): void;
}

/** Holds every call until the test lets it go, in the test's order. */
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
