import { edgeAddressParts } from '../core/edge-address.ts';
import { metrics } from '../core/metrics.ts';
import type { ConnectionAddress } from '../core/model.ts';
import type { Clock, Gateway, Log } from '../core/ports.ts';
import type { EdgeLease, EdgeStore } from '../core/store-ports/edges.ts';
import type { Timers } from '../core/timers.ts';
import { createDoorPosts, type DoorAction, type PostOutcome } from './door-posts.ts';

export interface EdgeGatewayOptions {
  /** Connections that API Gateway holds. */
  readonly gateway: Gateway;
  /** The API of the back doors. */
  readonly doors: Pick<Gateway, 'post'>;
  readonly edges: Pick<EdgeStore, 'get'>;
  readonly timers: Pick<Timers, 'schedule'>;
  readonly clock: Clock;
  readonly log: Log;
  /** `edgeLookSeconds` of the settings. */
  readonly lookSeconds: number;
  /** Waits; tests pass one that does not. */
  readonly pause?: (milliseconds: number) => Promise<void>;
}

/** Age of a lease that this process uses again, in milliseconds: a closed door is noticed. */
const maxLeaseAgeMs = 5_000;
/** Edges whose lease this process remembers. */
const maxKnownLeases = 1_000;
/** Pauses in which an edge whose back door has been lost may open another, in milliseconds. */
const reopeningMs = [200, 600, 1_800] as const;
/** Attempts to have another edge close a connection. */
const maxCloseAttempts = 3;

/**
 * The `Gateway` port where edge processes hold connections as well: theirs are reached through
 * their back doors, all others at API Gateway.
 *
 * - `sent` means that the back door took the message. The edge forwards what comes for a client
 *   that has moved on.
 * - `gone` means that the edge is dead or unknown: its connections are lost.
 * - `failed`: its back door has closed, and it has opened no other within some seconds.
 */
export function createEdgeGateway(options: EdgeGatewayOptions): Gateway {
  const { gateway, doors, edges, clock, log, pause = sleep } = options;
  const leases = new Map<string, { readonly lease: EdgeLease | undefined; readonly readAtMs: number }>();
  const posts = createDoorPosts((edge, text) =>
    send(edge, text).catch((error: unknown): PostOutcome => {
      log.warn('edge could not be reached', { edge, error: error instanceof Error ? error.name : 'unknown' });
      return 'failed';
    }),
  );

  function remember(edge: string, lease: EdgeLease | undefined): void {
    leases.delete(edge);
    leases.set(edge, { lease, readAtMs: clock.nowMs() });
    const [oldest] = leases.keys();
    if (leases.size > maxKnownLeases && oldest !== undefined) leases.delete(oldest);
  }

  /** A lease that has just begun may be missing from an eventually consistent read. */
  async function read(edge: string, consistent: boolean): Promise<EdgeLease | undefined> {
    const lease = (consistent ? undefined : await edges.get(edge)) ?? (await edges.get(edge, true));
    remember(edge, lease);
    return lease;
  }

  async function leaseOf(edge: string): Promise<EdgeLease | undefined> {
    const known = leases.get(edge);
    if (known !== undefined && clock.nowMs() - known.readAtMs < maxLeaseAgeMs) return known.lease;
    return read(edge, false);
  }

  async function send(edge: string, text: string): Promise<PostOutcome> {
    const known = await leaseOf(edge);
    if (!isAlive(known)) return 'gone';
    const outcome = await doors.post(known.door as ConnectionAddress, text);
    if (outcome !== 'gone') return outcome;
    const current = await reopened(edge, known.door);
    if (!isAlive(current)) return 'gone';
    if (current.door === known.door) {
      await watch(edge, current);
      return 'failed';
    }
    return (await doors.post(current.door as ConnectionAddress, text)) === 'sent' ? 'sent' : 'failed';
  }

  /** Doors of which no successor has come in time: nobody waits for one again. */
  const abandoned = new Set<string>();
  /** The lease once it names another door than the closed one, or as it is after a while. */
  async function reopened(edge: string, closed: string): Promise<EdgeLease | undefined> {
    let current = await read(edge, true);
    for (const milliseconds of reopeningMs) {
      if (!isAlive(current) || current.door !== closed || abandoned.has(closed)) return current;
      await pause(milliseconds);
      current = await read(edge, true);
    }
    if (current?.door === closed) abandoned.add(closed);
    const [oldest] = abandoned;
    if (abandoned.size > maxKnownLeases && oldest !== undefined) abandoned.delete(oldest);
    return current;
  }

  const watchedAtMs = new Map<string, number>();
  /** Whoever watches the edge may have been lost, with the queue of timers for example. */
  async function watch(edge: string, { renewedAtMs }: EdgeLease): Promise<void> {
    const nowMs = clock.nowMs();
    const everyMs = options.lookSeconds * 1000;
    if (nowMs - (watchedAtMs.get(edge) ?? 0) < everyMs) return;
    watchedAtMs.delete(edge);
    watchedAtMs.set(edge, nowMs);
    const [oldest] = watchedAtMs.keys();
    if (watchedAtMs.size > maxKnownLeases && oldest !== undefined) watchedAtMs.delete(oldest);
    const timer = { kind: 'edge-lease', edge, renewedAtMs, isRepeated: false } as const;
    await options.timers.schedule(timer, nowMs + everyMs);
  }

  return {
    async post(address, text) {
      const parts = edgeAddressParts(address);
      if (parts === undefined) return gateway.post(address, text);
      const { edge, channel } = parts;
      const outcome = await posts.add(edge, channel, { text });
      if (outcome === 'failed') log.count(metrics.backDoorPostsFailed);
      return outcome;
    },

    async close(address) {
      const parts = edgeAddressParts(address);
      if (parts === undefined) return gateway.close(address);
      const { edge, channel } = parts;
      const action: DoorAction = { close: true };
      for (let attempt = 1; attempt <= maxCloseAttempts; attempt += 1)
        if ((await posts.add(edge, channel, action)) !== 'failed') break;
      return true;
    },

    async reread(address) {
      const parts = edgeAddressParts(address);
      if (parts !== undefined) await posts.add(parts.edge, parts.channel, { reread: true });
    },

    async lastActiveAtMs(address) {
      const parts = edgeAddressParts(address);
      if (parts === undefined) return gateway.lastActiveAtMs(address);
      return isAlive(await leaseOf(parts.edge)) ? clock.nowMs() : undefined;
    },
  };
}

function isAlive(lease: EdgeLease | undefined): lease is EdgeLease {
  return lease !== undefined && !lease.isDead;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
