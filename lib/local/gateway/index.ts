import { createServer, type Server } from 'node:http';
import { type Clock, systemClock } from '../clock.ts';
import { urlHost } from '../url-host.ts';
import { createCore } from './core.ts';
import type { Route } from './events.ts';
import type { FaultPlan } from './faults.ts';
import { assertFrameLimits } from './frames.ts';
import type { Invoke } from './invoker.ts';
import { createManagement } from './management.ts';
import type { Meters } from './meters.ts';
import { createRouteSelector } from './routes.ts';
import { createUpgrades } from './upgrade.ts';

export type { ConnectEvent, DisconnectEvent, GatewayEvent, MessageEvent, Route } from './events.ts';
export { type Call, type Delay, type FaultPlan, jitter, type Post, seededRandom } from './faults.ts';
export type { Invoke } from './invoker.ts';
export type { Meters } from './meters.ts';
export type GatewayClock = Clock;

export interface GatewayOptions {
  /** Default 127.0.0.1. The `@connections` API checks no signature: bind other addresses only where all who reach them are trusted. */
  readonly host?: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** The path of the WebSocket endpoint, without a slash. */
  readonly stage: string;
  /** Default `local00000`. */
  readonly apiId?: string;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Default `$request.body.action`. */
  readonly routeSelectionExpression?: string;
  /** Keys of the API's own routes, which have no route response. Default: none, all messages go to `$default`. */
  readonly routes?: readonly Route[];
  readonly invoke: Invoke;
  /** Of the 29 s, 10 min and 2 h limits and of every time in events. Default: the system's. */
  readonly clock?: GatewayClock;
  /** Default: nothing goes wrong. */
  readonly faults?: FaultPlan;
  /** What faults draw from; ids do not. Default: Math.random. */
  readonly random?: () => number;
  /** One line per connection, refusal and failure; none per message, and never a payload, a header or a query. */
  readonly log?: (line: object) => void;
}

export interface Gateway {
  readonly port: number;
  /** `ws://127.0.0.1:8080/mqtt`. */
  readonly url: string;
  /** `http://127.0.0.1:8080/mqtt`: the endpoint of an ApiGatewayManagementApiClient. */
  readonly callbackUrl: string;
  connectionCount(): number;
  /** As of now; a copy. */
  readonly meters: Readonly<Meters>;
  /** Loses the network of one connection, without a close handshake; false if there is none. */
  cut(connectionId: string): boolean;
  /**
   * Closes every connection (1001), runs its `$disconnect`, and waits up to 2 s, on the system's clock, for invocations
   * and close handshakes before it frees the port. Until then `@connections` answers.
   */
  close(): Promise<void>;
}

const closeGraceMs = 2_000;

/** Longer than an SDK client keeps a connection, which would otherwise post into one that is just being closed. */
const keepAliveTimeoutMs = 75_000;

/**
 * Amazon API Gateway's WebSocket APIs on one port of this machine, for one API and one stage, at least as strict as the
 * real one: what works here works there. Rejects with `code` 'EADDRINUSE' if the port is taken.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  assertFrameLimits();
  const { host = '127.0.0.1', stage, apiId = 'local00000', region = 'us-east-1' } = options;
  const core = createCore({
    api: { apiId, stage, domainName: `${apiId}.execute-api.${region}.amazonaws.com` },
    invoke: options.invoke,
    selectRoute: createRouteSelector(
      options.routeSelectionExpression ?? '$request.body.action',
      options.routes ?? [],
    ),
    clock: options.clock ?? systemClock,
    faults: options.faults ?? {},
    random: options.random ?? Math.random,
    log: options.log ?? (() => {}),
  });
  const { connections, meters, tasks } = core;
  const upgrades = createUpgrades(core);
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs }, createManagement(core));
  server.on('upgrade', upgrades.accept);
  const port = await listen(server, host, options.port);
  const authority = `${urlHost(host)}:${port}`;
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    upgrades.stop();
    connections.closeAll({ code: 1001, reason: 'Going away' });
    let stopWaiting = () => {};
    const giveUp = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, closeGraceMs);
      stopWaiting = () => clearTimeout(timer);
    });
    await Promise.all([Promise.race([tasks.idle(), giveUp]), connections.settle(giveUp)]);
    stopWaiting();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  return {
    port,
    url: `ws://${authority}/${stage}`,
    callbackUrl: `http://${authority}/${stage}`,
    connectionCount: () => connections.size,
    get meters() {
      return {
        ...meters,
        invocations: { ...meters.invocations },
        billedMs: { ...meters.billedMs },
        refusedPosts: { ...meters.refusedPosts },
        connectionMinutes: meters.connectionMinutes + connections.openMinutes(),
      };
    },
    cut(connectionId) {
      const connection = connections.get(connectionId);
      return connection !== undefined && connections.cut(connection);
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
