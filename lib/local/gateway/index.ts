import { createServer } from 'node:http';
import { type Clock, systemClock } from '../clock.ts';
import { listenOn } from '../listen.ts';
import { urlHost } from '../url-host.ts';
import { createCore } from './core.ts';
import type { Route } from './events.ts';
import type { FaultPlan } from './faults.ts';
import { assertFrameLimits } from './frames.ts';
import type { Invoke } from './invoker.ts';
import { createManagement, type Management } from './management.ts';
import type { Meters } from './meters.ts';
import { refuseOtherProtocols } from './other-protocols.ts';
import { createRouteSelector } from './routes.ts';
import type { IamAuthorization } from './signature.ts';
import { createUpgrades } from './upgrade.ts';

export type { Route } from './events.ts';
export { type Call, type FaultPlan, jitter, seededRandom } from './faults.ts';
export type { Invoke } from './invoker.ts';
export type { Meters } from './meters.ts';
export type GatewayClock = Clock;

export interface GatewayOptions {
  /**
   * Default 127.0.0.1. The `@connections` API checks no signatures: use another address only on a
   * trusted network.
   */
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
  /**
   * Keys of custom routes, which have no route response. Default: none; all messages go to
   * `$default`.
   */
  readonly routes?: readonly Route[];
  readonly invoke: Invoke;
  /** Clock of the limits (29 s, 10 min, 2 h) and of the times in events. Default: the system's. */
  readonly clock?: GatewayClock;
  /** Default: no faults. */
  readonly faults?: FaultPlan;
  /** Random numbers for faults, not for ids. Default: Math.random. */
  readonly random?: () => number;
  /**
   * Whether `lastActiveAt` of a connection counts messages to the client. AWS does not say, so
   * tests run with both. Default: true, under which a silent client is harder to find.
   */
  readonly postsAreActivity?: boolean;
  /** Handshakes need a signature with one of these keys (403). Default: anyone may connect. */
  readonly accessKeys?: IamAuthorization['accessKeys'];
  /** Receives a line per connection, refusal and failure; never a payload, header or query. */
  readonly log?: (line: object) => void;
}

export interface Gateway {
  readonly port: number;
  /** `ws://127.0.0.1:8080/mqtt`. */
  readonly url: string;
  /** Endpoint of an ApiGatewayManagementApiClient: `http://127.0.0.1:8080/mqtt`. */
  readonly callbackUrl: string;
  /** `requestHandler` of such a client in this process: calls `@connections` without HTTP. */
  readonly requestHandler: Management['requestHandler'];
  connectionCount(): number;
  /** A copy of the current counters. */
  readonly meters: Readonly<Meters>;
  /** Loses the network of one connection, without a close handshake. False if it does not exist. */
  cut(connectionId: string): boolean;
  /**
   * Closes all connections (1001) and runs `$disconnect` for each. Waits up to 2 s on the system's
   * clock for invocations and close handshakes, then frees the port. `@connections` answers until
   * then.
   */
  close(): Promise<void>;
}

const closeGraceMs = 2_000;

/** Longer than SDK clients keep idle connections, so that none posts on one that is closing. */
const keepAliveTimeoutMs = 75_000;

/**
 * Emulates API Gateway's WebSocket APIs on one port, for one API and one stage. At least as strict
 * as AWS: what works here works there.
 *
 * @throws an error with `code` EADDRINUSE if the port is in use.
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
    postsAreActivity: options.postsAreActivity ?? true,
  });
  const { connections, meters, tasks } = core;
  const management = createManagement(core);
  const { accessKeys } = options;
  const upgrades = createUpgrades(core, accessKeys === undefined ? undefined : { accessKeys, region });
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs }, management.serve);
  server.on('upgrade', upgrades.accept);
  server.on('clientError', refuseOtherProtocols(core.log));
  const { port } = await listenOn(server, host, options.port);
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
    requestHandler: management.requestHandler,
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
