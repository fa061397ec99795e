/**
 * The edge: holds the sockets of stock MQTT clients and runs the broker in the same process. An
 * idle connection costs memory alone. Others reach its clients by the back door.
 */
import { edgeAddress } from '../core/edge-address.ts';
import type { Ports } from '../core/ports.ts';
import type { Admission, ClientServer, Credentials } from '../listeners/client-server.ts';
import { startListeners } from '../listeners/index.ts';
import { Blocks } from './blocks.ts';
import { Channel } from './channel.ts';
import { Channels } from './channels.ts';
import { drainChannels } from './drain.ts';
import { startHealthCheck } from './health.ts';
import type { BackDoor, Edge, EdgeOptions } from './options.ts';
import { keepOwnConnections, type OwnConnections } from './own-connections.ts';
import { reachOwnFirst } from './own-gateway.ts';
import { keepOwnTimers, type OwnTimers } from './own-timers.ts';
import { shareAudiences, shareTenantReads } from './shared-reads.ts';

export type { Channels } from './channels.ts';
export type { BackDoor, Edge, EdgeOptions, EdgeService } from './options.ts';

/** How often usage that is due is written, in milliseconds. */
const flushEveryMs = 1_000;
/** Time in which {@link Edge.close} ends its clients, in seconds. */
const closeSeconds = 1;

/**
 * Starts an edge. It serves clients when this resolves.
 *
 * @throws the error of the listener that failed (lib/listeners/index.ts), or of the back door.
 */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { edge, log, nowMs = Date.now } = options;
  const channels = new Channels(edge);
  let own: OwnConnections | undefined;
  let timers: OwnTimers | undefined;
  const wrap = (ports: Ports): Ports => {
    const tenants = shareTenantReads(ports.tenants);
    const kept = keepOwnConnections({ ...ports, tenants });
    own = kept;
    timers = keepOwnTimers(ports.timers, { isOwn: kept.isOwn, nowMs, log });
    const { connections, pendingIdentities, topicAliases } = kept;
    const subscriptions = shareAudiences(ports.subscriptions);
    const gateway = reachOwnFirst(channels, ports.gateway);
    return {
      ...ports,
      tenants,
      subscriptions,
      connections,
      pendingIdentities,
      topicAliases,
      timers,
      gateway,
    };
  };
  const { broker, flush } = options.compose(wrap);
  if (own === undefined || timers === undefined) throw new TypeError('compose() must wrap the ports');
  const ownConnections: OwnConnections = own;
  const ownTimers: OwnTimers = timers;

  const backDoor: BackDoor = await options.openBackDoor(channels, () => {
    log.error('this edge counts as dead: its connections end');
    for (const channel of channels.all) channel.terminate();
  });
  const blocks = new Blocks(backDoor);
  const service = {
    broker,
    log,
    nowMs,
    maxClientBufferBytes: options.maxClientBufferBytes ?? 4 * 1024 * 1024,
    mayServe: () => (backDoor.isServing() ? (true as const) : backDoor.untilServing()),
    ended(channel: Channel, isReleased: boolean) {
      channels.remove(channel);
      if (!isReleased) return;
      ownConnections.remove(channel.address);
      blocks.free(channel.number);
    },
  };

  const server: ClientServer = { admit };
  function admit(credentials: Credentials): Admission {
    const number = channels.nextNumber();
    const address = edgeAddress(edge, number);
    ownConnections.add(address);
    const stored = blocks.use(number);
    const handshake = broker.handshake(address, tokenOf(credentials), undefined);
    const status = Promise.all([handshake, stored]).then(([answer]) => answer);
    status.catch(() => undefined);
    const forget = () => {
      ownConnections.remove(address);
      blocks.free(number);
    };
    return {
      ready: status.then(
        (answer) => (answer === 200 ? undefined : { status: answer }),
        () => ({ status: 503 }),
      ),
      start(client) {
        const admitted = status.then(
          (answer) => answer === 200,
          () => false,
        );
        const channel = new Channel(number, address, client, { ...service, admitted });
        channels.add(channel);
        return channel;
      },
      abandon: forget,
    };
  }

  ownTimers.start((due) => broker.timers(due));
  const flushing = setInterval(() => void flush().catch(() => undefined), flushEveryMs);
  let isDraining = false;
  const stop = async (seconds: number): Promise<void> => {
    isDraining = true;
    listeners.stopListening();
    await drainChannels(channels, broker, seconds);
  };
  const end = async (): Promise<void> => {
    ownTimers.stop();
    clearInterval(flushing);
    await flush();
    await backDoor.close();
  };
  const listeners = await startListeners(
    {
      ...options,
      log: ({ event, ...details }) => log.debug('edge', { code: event, ...details }),
    },
    server,
  ).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  const health =
    options.healthPort === undefined
      ? undefined
      : await startHealthCheck(options.host, options.healthPort, () => !isDraining && backDoor.isServing());
  const { replaceCertificates, close: _close, stopListening: _stop, ...ports } = listeners;
  return {
    ...ports,
    edge,
    ...(health === undefined ? {} : { healthPort: health.port }),
    connections: () => channels.size,
    replaceCertificates,
    drain: stop,
    async close() {
      await stop(closeSeconds);
      await listeners.close();
      await health?.close();
      await end();
    },
  };
}

function tokenOf({ authorization, token }: Credentials): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? token;
}
