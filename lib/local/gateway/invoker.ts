import { randomUUID } from 'node:crypto';
import { billedMilliseconds } from '../billing.ts';
import type { Clock } from '../clock.ts';
import type { GatewayEvent, Route } from './events.ts';
import { type Call, type FaultPlan, waitFor } from './faults.ts';
import { integrationTimeoutMs } from './limits.ts';
import type { Meters } from './meters.ts';

/**
 * Runs the integration of a route, in process or by `lambda:Invoke`. Resolves with the function's
 * result and rejects if it threw. Results after the deadline on the gateway's clock are ignored.
 */
export type Invoke = (
  route: Route,
  event: GatewayEvent,
  context: {
    /** UUID of the invocation; differs from `requestContext.requestId`. */
    readonly requestId: string;
    /** Milliseconds since 1970. */
    readonly deadlineMs: number;
  },
) => Promise<unknown>;

/** Result of a Lambda proxy integration. */
export interface IntegrationResult {
  readonly statusCode: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Absent or empty: the client gets no message. */
  readonly body?: string;
}

export type Outcome =
  | { readonly kind: 'result'; readonly result: IntegrationResult }
  | { readonly kind: 'failed' }
  | { readonly kind: 'timedOut' };

export interface InvokerOptions {
  readonly invoke: Invoke;
  readonly clock: Clock;
  readonly faults: FaultPlan;
  readonly meters: Meters;
  readonly log: (line: object) => void;
}

export function createInvoker({ invoke, clock, faults, meters, log }: InvokerOptions) {
  function failed(call: Call, requestId: string, errorType: string, errorMessage?: string): Outcome {
    meters.failedInvocations++;
    const { route, connectionId } = call;
    log({ event: 'invocationFailed', route, connectionId, requestId, errorType, errorMessage });
    return { kind: 'failed' };
  }

  async function finish(call: Call, requestId: string): Promise<Outcome> {
    let loseResult = false;
    try {
      const pause = waitFor(faults.delayInvoke?.(call), clock);
      if (pause) await pause;
      const failure = faults.failInvocation?.(call);
      if (failure === 'before') return failed(call, requestId, 'InjectedFault');
      loseResult = failure === 'after';
    } catch (error) {
      return failed(call, requestId, nameOf(error), messageOf(error));
    }
    meters.invocations[call.route] = (meters.invocations[call.route] ?? 0) + 1;
    const deadlineMs = clock.now() + integrationTimeoutMs;
    return new Promise<Outcome>((resolve) => {
      let over = false;
      const cancel = clock.schedule(() => {
        over = true;
        meters.timedOutInvocations++;
        const { route, connectionId } = call;
        log({ event: 'invocationTimedOut', route, connectionId, requestId, timeoutMs: integrationTimeoutMs });
        resolve({ kind: 'timedOut' });
      }, integrationTimeoutMs);
      const settle = (outcome: () => Outcome) => {
        if (over) return;
        cancel();
        resolve(outcome());
      };
      start(call, { requestId, deadlineMs }).then(
        (value) =>
          settle(() => {
            if (loseResult) return failed(call, requestId, 'InjectedFault');
            const result = readResult(value);
            return result ? { kind: 'result', result } : failed(call, requestId, 'MalformedResult');
          }),
        (error: unknown) => settle(() => failed(call, requestId, nameOf(error), messageOf(error))),
      );
    });
  }

  // Async, so that a synchronous error of `invoke` becomes a rejection.
  async function start(call: Call, context: Parameters<Invoke>[2]): Promise<unknown> {
    const startedAtMs = clock.now();
    try {
      return await invoke(call.route, call.event, context);
    } finally {
      const billedMs = billedMilliseconds(startedAtMs, clock.now());
      meters.billedMs[call.route] = (meters.billedMs[call.route] ?? 0) + billedMs;
    }
  }

  return { run: (call: Call): Promise<Outcome> => finish(call, randomUUID()) };
}

export type Invoker = ReturnType<typeof createInvoker>;

/**
 * Undefined for results that API Gateway answers with "Internal server error": not an object, no
 * integer status, or a body that is not a string.
 */
function readResult(value: unknown): IntegrationResult | undefined {
  if (typeof value !== 'object' || value === null || !('statusCode' in value)) return undefined;
  const { statusCode } = value;
  if (typeof statusCode !== 'number' || !Number.isInteger(statusCode)) return undefined;
  const body = 'body' in value ? (value.body ?? undefined) : undefined;
  if (body !== undefined && typeof body !== 'string') return undefined;
  const headers = new Map<string, string>();
  if ('headers' in value && typeof value.headers === 'object' && value.headers !== null) {
    for (const [name, header] of Object.entries(value.headers))
      headers.set(name.toLowerCase(), String(header));
  }
  return body === undefined ? { statusCode, headers } : { statusCode, headers, body };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

function messageOf(error: unknown): string | undefined {
  return error instanceof Error ? error.message : undefined;
}
