import type { Clock } from '../clock.ts';
import { type Connections, createConnections, type Ending } from './connections.ts';
import { type Api, disconnectEvent, type Peer } from './events.ts';
import type { FaultPlan } from './faults.ts';
import { createInvoker, type Invoke, type Invoker } from './invoker.ts';
import { createMeters, type Meters } from './meters.ts';
import type { SelectRoute } from './routes.ts';

/** State and services that the parts of one gateway share. */
export interface Core {
  readonly api: Api;
  readonly clock: Clock;
  readonly faults: FaultPlan;
  readonly random: () => number;
  readonly log: (line: object) => void;
  readonly meters: Meters;
  readonly connections: Connections;
  readonly invoker: Invoker;
  readonly selectRoute: SelectRoute;
  /** Whether `lastActiveAt` counts messages to the client. */
  readonly postsAreActivity: boolean;
  /** Work that `close` waits for. */
  readonly tasks: Tasks;
  /** Runs `$disconnect` once; its failure is only logged, because AWS delivers it best effort. */
  disconnected(peer: Peer, ending: Ending): void;
}

export interface CoreOptions {
  readonly api: Api;
  readonly invoke: Invoke;
  readonly clock: Clock;
  readonly faults: FaultPlan;
  readonly random: () => number;
  readonly log: (line: object) => void;
  readonly selectRoute: SelectRoute;
  readonly postsAreActivity: boolean;
}

export function createCore(options: CoreOptions): Core {
  const { api, clock, faults, random, log, selectRoute, postsAreActivity } = options;
  const meters = createMeters();
  const tasks = createTasks(log);
  const invoker = createInvoker({ ...options, meters });

  function disconnected(peer: Peer, ending: Ending): void {
    const { connectionId } = peer;
    const durationMs = clock.now() - peer.connectedAtMs;
    log({ event: 'disconnect', connectionId, statusCode: ending.code, durationMs });
    const event = disconnectEvent(api, peer, ending, clock.now());
    const call = { route: '$disconnect', connectionId, event, random } as const;
    tasks.run(async () => {
      if (!faults.dropDisconnect?.(call)) await invoker.run(call);
    });
  }

  const connections = createConnections(clock, meters, disconnected);
  return {
    api,
    clock,
    faults,
    random,
    log,
    meters,
    connections,
    invoker,
    selectRoute,
    postsAreActivity,
    tasks,
    disconnected,
  };
}

export interface Tasks {
  /** Starts the task in this tick. Logs its error if it throws. */
  run(task: () => Promise<void>): void;
  /** Resolves when no task is running. */
  idle(): Promise<void>;
}

function createTasks(log: (line: object) => void): Tasks {
  let running = 0;
  let whenIdle: (() => void)[] = [];
  const done = () => {
    if (--running > 0) return;
    const waiting = whenIdle;
    whenIdle = [];
    for (const resolve of waiting) resolve();
  };
  return {
    run(task) {
      running++;
      task()
        .catch((error: unknown) => {
          log({ event: 'gatewayError', errorMessage: error instanceof Error ? error.message : typeof error });
        })
        .finally(done);
    },
    idle: () =>
      running === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            whenIdle.push(resolve);
          }),
  };
}
