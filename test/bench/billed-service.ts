import { type FunctionName, presets } from '../../cdk/settings.ts';
import { intercept } from '../../lib/local/dynamodb/intercept.ts';
import { createMeter, type Meter } from '../../lib/local/dynamodb/meter.ts';
import { type LocalServiceOptions, startTestService, type TestService } from '../support/service.ts';
import { createMeteredLog } from './metered-log.ts';

/** Units that AWS bills, counted by the emulators. */
export interface Units {
  /** API Gateway messages, metered per 32 KB, from clients and to clients. */
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly connectionMinutes: number;
  /** Lambda requests and billed milliseconds by function, without cold starts. */
  readonly invocations: Readonly<Record<string, number>>;
  readonly billedMs: Readonly<Record<string, number>>;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** SQS requests, metered per 64 KB. Empty receives are not counted. */
  readonly standardRequests: number;
  readonly fifoRequests: number;
  /** Lines of API Gateway's access log, where it is on: handshakes, frames and closes. */
  readonly accessLogLines: number;
  /** Bytes that the functions write to CloudWatch Logs at level INFO. */
  readonly logBytes: number;
  /** Posts that API Gateway accepted. They are part of `messagesOut`. */
  readonly posts: number;
}

export interface BilledService {
  readonly service: TestService;
  /** Adds this latency to each call of a function to DynamoDB, SQS and `@connections`. */
  setCallMs(milliseconds: number): void;
  /** Counts the units of `work`, including the functions that its queue messages invoke. */
  measure(work: () => Promise<unknown>): Promise<Units>;
  close(): Promise<void>;
}

/** Ends a connection and waits until its `$disconnect` has run. */
export async function disconnected(service: TestService, end: () => Promise<unknown>): Promise<void> {
  const billedMs = (): number => service.gateway.meters.billedMs.$disconnect;
  const before = billedMs();
  await end();
  while (billedMs() === before) await new Promise(setImmediate);
}

/** All other routes, such as that of one-way frames, invoke the message function. */
const routeFunctions: Readonly<Record<string, FunctionName>> = {
  $connect: 'connect',
  $disconnect: 'disconnect',
};

/**
 * Starts the whole local service with all meters and an adjustable latency for calls of functions.
 */
export async function startBilledService(
  options: Partial<Pick<LocalServiceOptions, 'clock' | 'ruleTargets'>> = {},
): Promise<BilledService> {
  let callMs = 0;
  let meter: Meter | undefined;
  const meteredLog = createMeteredLog();
  const pause = (): Promise<void> | undefined =>
    callMs === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, callMs));
  const service = await startTestService({
    ...options,
    wrapPorts: meteredLog.wrap,
    lookBatchingWindowSeconds: presets.prod.lookBatchingWindowSeconds,
    faults: { delayPost: pause },
    wrapStore: (handler) => {
      meter = createMeter(handler);
      return intercept(meter.requestHandler, { before: pause });
    },
    wrapQueues: (handler) => ({
      ...handler,
      async handle(request) {
        await pause();
        return handler.handle(request);
      },
    }),
  });
  const { gateway, queues } = service;

  function state(): Units {
    if (meter === undefined) throw new Error('the service has no store');
    const { meteredMessagesIn, meteredMessagesOut, connectionMinutes, invocations, billedMs, posts } =
      gateway.meters;
    const routed = (counts: Readonly<Record<string, number>>) =>
      Object.entries(counts).map(
        ([route, count]) => [routeFunctions[route] ?? ('message' as const), count] as const,
      );
    const fed = queues.names.map((name) => [functionOf(name), queues.meters(name)] as const);
    const requests = (fifo: boolean): number =>
      queues.names
        .filter((name) => name.endsWith('.fifo') === fifo)
        .reduce((total, name) => total + queues.meters(name).meteredRequests, 0);
    const { readUnits, writeUnits } = meter.totals();
    return {
      messagesIn: meteredMessagesIn,
      messagesOut: meteredMessagesOut,
      connectionMinutes,
      invocations: added([
        ...routed(invocations),
        ...fed.map(([name, meters]) => [name, meters.invocations] as const),
      ]),
      billedMs: added([
        ...routed(billedMs),
        ...fed.map(([name, meters]) => [name, meters.billedMs] as const),
      ]),
      readUnits,
      writeUnits,
      standardRequests: requests(false),
      fifoRequests: requests(true),
      accessLogLines: Object.values(invocations).reduce((sum, count) => sum + count, 0),
      logBytes: meteredLog.bytes,
      posts,
    };
  }

  return {
    service,
    setCallMs(milliseconds) {
      callMs = milliseconds;
    },
    async measure(work) {
      await queues.idle();
      meter?.reset();
      const before = state();
      await work();
      await queues.idle();
      return combined(state(), before, (after, earlier) => after - earlier);
    },
    close: () => service.close(),
  };
}

/**
 * Queues `wisp-timers` and `wisp-looks` invoke function `timer`, `wisp-rules` `rule`. Any other
 * queue invokes the function of its name.
 */
function functionOf(queue: string): string {
  const name = queue.replace(/^wisp-/, '').replace(/\.fifo$/, '');
  if (name === 'rules') return 'rule';
  return name.startsWith('timers') || name === 'looks' ? 'timer' : name;
}

function added(pairs: readonly (readonly [string, number])[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, value] of pairs) sums[name] = (sums[name] ?? 0) + value;
  return sums;
}

/** The units of several measurements together. */
export function sumOf(list: readonly Units[]): Units {
  const [first, ...others] = list;
  if (first === undefined) throw new Error('nothing was measured');
  return others.reduce((sum, units) => combined(sum, units, (value, added) => value + added), first);
}

/** Divides each unit by `count`. */
export function perOne(units: Units, count: number): Units {
  return combined(units, units, (value) => value / count);
}

function combined(one: Units, other: Units, combine: (one: number, other: number) => number): Units {
  const record = (name: 'invocations' | 'billedMs'): Record<string, number> =>
    Object.fromEntries(
      [...new Set([...Object.keys(one[name]), ...Object.keys(other[name])])].map((key) => [
        key,
        combine(one[name][key] ?? 0, other[name][key] ?? 0),
      ]),
    );
  const number = (name: Exclude<keyof Units, 'invocations' | 'billedMs'>): number =>
    combine(one[name], other[name]);
  return {
    messagesIn: number('messagesIn'),
    messagesOut: number('messagesOut'),
    connectionMinutes: number('connectionMinutes'),
    invocations: record('invocations'),
    billedMs: record('billedMs'),
    readUnits: number('readUnits'),
    writeUnits: number('writeUnits'),
    standardRequests: number('standardRequests'),
    fifoRequests: number('fifoRequests'),
    accessLogLines: number('accessLogLines'),
    logBytes: number('logBytes'),
    posts: number('posts'),
  };
}
