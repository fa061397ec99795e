import type { Ports } from '../core/ports.ts';
import type { Channels } from './channels.ts';
import { createGatherer } from './gatherer.ts';
import { keepOwnConnections, type OwnConnections } from './own-connections.ts';
import { reachOwnFirst } from './own-gateway.ts';
import { keepOwnTimers, type OwnTimers } from './own-timers.ts';
import { shareAudiences, shareTenantReads } from './shared-reads.ts';

/** Ports of a process that holds sockets, and the state that it keeps for them. */
export interface OwnPorts {
  readonly ports: Ports;
  /** Rows of connections as others see them. */
  readonly stored: Ports['connections'];
  readonly connections: OwnConnections;
  readonly timers: OwnTimers;
}

/** Replaces the ports behind which this process keeps the state of its connections itself. */
export function keepOwn(ports: Ports, channels: Channels): OwnPorts {
  const tenants = shareTenantReads(ports.tenants);
  const connections = keepOwnConnections({ ...ports, tenants });
  const timers = keepOwnTimers(ports, connections.isOwn);
  return {
    connections,
    timers,
    stored: ports.connections,
    ports: {
      ...ports,
      ...connections.stores,
      tenants,
      timers,
      subscriptions: shareAudiences(ports.subscriptions),
      gateway: reachOwnFirst(channels, ports.gateway),
      gatherer: createGatherer(),
    },
  };
}
