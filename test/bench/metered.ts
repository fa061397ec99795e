import { inputOf } from '../../lib/local/aws-json.ts';
import { createManualClock, type ManualClock } from '../../lib/local/clock.ts';
import type { EngineRequestHandler } from '../../lib/local/dynamodb/index.ts';
import {
  createMeter,
  type Meter,
  type MeteredCall,
  positions,
  sequentialRoundTrips,
} from '../../lib/local/dynamodb/meter.ts';
import type { LocalServiceOptions } from '../../lib/local/service.ts';
import type { ConnectPacket, PublishPacket } from '../../lib/mqtt/types.ts';
import { openRaw, type RawClient, type Version } from '../support/raw-client.ts';
import { type Mint, startTestService, type TestService } from '../support/service.ts';
import { countedTimers } from './counted-timers.ts';

/** Cost of an exchange. All values are counts, so they are the same on every machine. */
export interface Cost {
  /** Calls to DynamoDB. */
  readonly calls: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Sequential calls to DynamoDB and posts. Calls that overlap count once. */
  readonly roundTrips: number;
  /** Timers, and requests with records of rules, sent to SQS. */
  readonly timers: number;
  /** API Gateway messages from clients, and to clients (replies and pushes). */
  readonly messagesIn: number;
  readonly messagesOut: number;
}

export interface Metered {
  readonly service: TestService;
  readonly clock: ManualClock;
  /** Measures the cost of `work` and records its calls to DynamoDB. */
  measure(work: () => Promise<unknown>): Promise<Cost & { readonly storeCalls: readonly MeteredCall[] }>;
  /** Connects a raw client of the wire profile. The caller must send all acknowledgements. */
  connect(mint: Mint, clientId: string, changes?: Partial<ConnectPacket>): Promise<RawClient>;
  close(): Promise<void>;
}

/**
 * Starts the whole local service on a manual clock, with a meter between service and DynamoDB.
 * @param onEngine receives the engine's unmetered handler.
 */
export async function startMetered(
  options: Partial<LocalServiceOptions> = {},
  onEngine: (handler: EngineRequestHandler) => void = () => {},
): Promise<Metered> {
  const clock = createManualClock();
  let meter: Meter | undefined;
  const nextPosition = positions();
  let posts: { startedAt: number; endedAt: number }[] = [];
  let ending: Promise<void>[] = [];
  let timers = 0;
  const service = await startTestService({
    clock,
    // $disconnect runs at any moment and would be part of other measurements.
    faults: { dropDisconnect: () => true },
    // The same of workers of rules: a publish hands over its records, and is done.
    ruleDelaySeconds: 900,
    ...options,
    wrapQueues: (handler) => ({
      ...handler,
      async handle(request) {
        if (/wisp-rules/.test(String(inputOf(request)?.QueueUrl))) timers += 1;
        return handler.handle(request);
      },
    }),
    wrapStore: (handler) => {
      onEngine(handler);
      meter = createMeter(handler, nextPosition);
      return meter.requestHandler;
    },
    wrapPorts: (given) => {
      const ports = options.wrapPorts?.(given) ?? given;
      return {
        ...ports,
        gateway: {
          ...ports.gateway,
          async post(address, text) {
            const startedAt = nextPosition();
            const outcome = await ports.gateway.post(address, text);
            const ended = storeRoundTrip().then(() => {
              posts.push({ startedAt, endedAt: nextPosition() });
            });
            ending.push(ended);
            await ended;
            return outcome;
          },
        },
        timers: countedTimers(ports.timers, (count) => {
          timers += count;
        }),
      };
    },
  });
  const clients: RawClient[] = [];

  return {
    service,
    clock,
    async measure(work) {
      if (meter === undefined) throw new Error('the service has no store');
      meter.reset();
      await Promise.all(ending);
      ending = [];
      posts = [];
      timers = 0;
      const before = service.gateway.meters;
      await work();
      await Promise.all(ending);
      const after = service.gateway.meters;
      const { calls, readUnits, writeUnits } = meter.totals();
      return {
        calls,
        readUnits,
        writeUnits,
        roundTrips: sequentialRoundTrips([...meter.calls, ...posts]),
        timers,
        messagesIn: after.messagesIn - before.messagesIn,
        messagesOut: after.messagesOut - before.messagesOut,
        storeCalls: [...meter.calls],
      };
    },
    async connect(mint, clientId, changes = {}) {
      const version = (changes.protocolVersion ?? 5) as Version;
      const client = await openRaw(service.url, { version });
      clients.push(client);
      await client.send(await connectPacket(mint, clientId, changes));
      return client;
    },
    async close() {
      await Promise.all(clients.filter((client) => !client.isClosed).map((client) => client.close()));
      await service.close();
    },
  };
}

/**
 * Waits as long as a call to the store takes. A post ends at once in this process, so that posts
 * that run in parallel over a network would not overlap.
 */
async function storeRoundTrip(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
}

export async function connectPacket(
  mint: Mint,
  clientId: string,
  changes: Partial<ConnectPacket> = {},
): Promise<ConnectPacket> {
  return {
    cmd: 'connect',
    protocolVersion: 5,
    clientId,
    clean: true,
    keepalive: 60,
    username: mint.tenant,
    password: Buffer.from(await mint()),
    ...changes,
  } as ConnectPacket;
}

/** Makes a PUBLISH with a payload of 100 bytes. */
export function publish(topic: string, qos: 0 | 1 | 2, messageId?: number): PublishPacket {
  return {
    cmd: 'publish',
    topic,
    payload: Buffer.alloc(100, 'x'),
    qos,
    dup: false,
    retain: false,
    ...(messageId === undefined ? {} : { messageId }),
  };
}

export const columns = {
  calls: 'calls',
  readUnits: 'RCU',
  writeUnits: 'WCU',
  roundTrips: 'round trips',
  timers: 'SQS',
  messagesIn: 'msgs in',
  messagesOut: 'msgs out',
} as const satisfies Record<keyof Cost, string>;

const widthOf = (column: keyof Cost): number => Math.max(7, columns[column].length + 2);

/** Formats costs as a plain text table with one line per name. */
export function costTable(costs: ReadonlyMap<string, Cost>): string {
  const names = Object.keys(columns) as (keyof Cost)[];
  const width = Math.max(...[...costs.keys()].map((name) => name.length));
  const lines = [...costs].map(
    ([name, cost]) =>
      name.padEnd(width) + names.map((column) => String(cost[column]).padStart(widthOf(column))).join(''),
  );
  return [
    ' '.repeat(width) + names.map((name) => columns[name].padStart(widthOf(name))).join(''),
    ...lines,
  ].join('\n');
}
