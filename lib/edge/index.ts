/**
 * The edge: holds the sockets of stock MQTT clients and runs the broker in the same process. An
 * idle connection costs memory alone. Others reach its clients by the back door.
 */
import { metrics } from '../core/metrics.ts';
import type { Ports } from '../core/ports.ts';
import { defaultSettings } from '../core/settings.ts';
import { startListeners } from '../listeners/index.ts';
import { Channels } from './channels.ts';
import { Clients } from './clients.ts';
import { drainChannels } from './drain.ts';
import { startHealthCheck } from './health.ts';
import { logEdgeClient } from './log-client.ts';
import type { Edge, EdgeOptions } from './options.ts';
import { keepOwn, type OwnPorts } from './own-ports.ts';
import { refusalCounters } from './refusal-counters.ts';
import { endUnsure } from './unsure.ts';

export type { BackDoor, BackDoorOptions, Edge, EdgeOptions, EdgeService } from './options.ts';

/** How often usage that is due is written, in milliseconds. */
const flushEveryMs = 1_000;
/** How often the connections are counted for CloudWatch, in milliseconds. */
const countEveryMs = 60_000;
/** Time in which {@link Edge.close} ends its clients, in seconds. */
const closeSeconds = 1;

/**
 * Starts an edge. It serves clients when this resolves.
 *
 * @throws the error of the listener that failed (lib/listeners/index.ts), or of the back door.
 */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { edge, log } = options;
  const channels = new Channels(edge);
  const { own, broker, flush } = composeOwn(options, channels);
  const opened: (() => void)[] = [];
  const backDoor = await options.openBackDoor({
    edge,
    edges: own.ports.edges,
    timers: own.ports.timers,
    clock: own.ports.clock,
    log,
    receive: (items) => clients.receive(items),
    onLost() {
      const addresses = [...channels.all].map(({ address }) => address);
      endUnsure(own.ports, own.stored, broker, addresses).catch((error: unknown) =>
        log.error('sessions could not be read', { error: error instanceof Error ? error.name : 'unknown' }),
      );
    },
    onDead() {
      log.error('this edge counts as dead: its connections end');
      for (const channel of channels.all) channel.terminate();
      options.onDead?.();
    },
  });
  const clients = new Clients({ broker, channels, own, backDoor });
  own.timers.start((due) => broker.timers(due));
  const flushing = setInterval(() => void flush().catch(() => undefined), flushEveryMs);
  const counting = setInterval(() => log.count(metrics.edgeConnections, channels.size), countEveryMs);
  const end = async (): Promise<void> => {
    own.timers.stop();
    clearInterval(flushing);
    clearInterval(counting);
    try {
      await flush();
    } finally {
      await backDoor.close();
    }
  };
  let isDraining = false;
  try {
    const listeners = await startListeners(
      {
        ...options,
        log: (entry) => logEdgeClient({ log, clock: own.ports.clock, settings: defaultSettings }, entry),
        refused(reason) {
          log.count(refusalCounters[reason]);
          // The broker has noted why the token was refused.
          if (reason !== 'handshake-refused') log.countRefusal(reason);
        },
      },
      clients,
    );
    opened.push(() => void listeners.close());
    const { healthPort, host = '127.0.0.1', metricsOf } = options;
    const metricsText = metricsOf && (() => metricsOf(channels.size));
    const isHealthy = () => !isDraining && backDoor.isServing();
    const health =
      healthPort === undefined ? undefined : await startHealthCheck(host, healthPort, isHealthy, metricsText);
    const drain = async (seconds: number): Promise<void> => {
      isDraining = true;
      listeners.stopListening();
      await drainChannels(channels, broker, seconds);
    };
    const { mqttPort, tlsPort, wsPort, wssPort, replaceCertificates } = listeners;
    return {
      ...(mqttPort === undefined ? {} : { mqttPort }),
      ...(tlsPort === undefined ? {} : { tlsPort }),
      ...(wsPort === undefined ? {} : { wsPort }),
      ...(wssPort === undefined ? {} : { wssPort }),
      ...(health === undefined ? {} : { healthPort: health.port }),
      edge,
      connections: () => channels.size,
      replaceCertificates,
      drain,
      async close() {
        await drain(closeSeconds);
        await listeners.close();
        await health?.close();
        await end();
      },
    };
  } catch (error) {
    for (const close of opened) close();
    await end();
    throw error;
  }
}

function composeOwn(options: EdgeOptions, channels: Channels) {
  let own: OwnPorts | undefined;
  const { broker, flush } = options.compose((ports: Ports) => {
    own = keepOwn(ports, channels);
    return own.ports;
  });
  if (own === undefined) throw new TypeError('compose() must wrap the ports');
  return { own: own as OwnPorts, broker, flush };
}
