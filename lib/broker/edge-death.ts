import { concurrently } from '../core/concurrently.ts';
import type { Context } from '../core/context.ts';
import { addressesOfBlock } from '../core/edge-address.ts';
import { metrics } from '../core/metrics.ts';
import type { EdgeLease } from '../core/store-ports/edges.ts';
import type { Timer } from '../core/timers.ts';
import { UnreadableItemError } from '../core/unreadable-item.ts';

type LeaseTimer = Extract<Timer, { kind: 'edge-lease' }>;
type SweepTimer = Extract<Timer, { kind: 'edge-sweep' }>;

/** Every edge has one chain of these looks; it starts with {@link firstEdgeLook}. */
export function firstEdgeLook(edge: string): LeaseTimer {
  return { kind: 'edge-lease', edge, renewedAtMs: 0, isRepeated: true };
}

/**
 * Looks at the lease of an edge process. One that has not been renewed since the timer was
 * scheduled is dead: no clock of the edge counts. The process itself has stopped by then, because
 * it handles nothing once its last renewal is older than it may be (lib/edge/back-door.ts).
 *
 * The next look is set before this one acts, so that a crash behind that delays nothing: the next
 * one acts. It also ends what is left of an edge that it finds dead, should a sweep have crashed,
 * and sets no other. A crash before that, within two calls, delivers this timer again after 180
 * seconds. The end of the back door has a look of its own, so only a process that dies within that
 * time, and whose `$disconnect` is lost as well, is found that much later. A timer that is
 * delivered twice makes a second chain: both end with the edge.
 *
 * Where the store fails, another timer looks again in some seconds, because the queue would deliver
 * this one only minutes later.
 */
export async function lookAtEdge(context: Context, timer: LeaseTimer): Promise<void> {
  const { edge } = timer;
  let isNextSet = false;
  try {
    const lease = await context.edges.get(edge, true);
    if (lease === undefined) return;
    const { renewedAtMs, isDead } = lease;
    if (timer.isRepeated && !isDead) {
      const dueAtMs = context.clock.nowMs() + context.settings.edgeLookSeconds * 1000;
      await context.timers.schedule({ kind: 'edge-lease', edge, renewedAtMs, isRepeated: true }, dueAtMs);
      isNextSet = true;
    }
    if (isDead || renewedAtMs === timer.renewedAtMs) await endEdge(context, edge, lease);
  } catch (error) {
    if (error instanceof UnreadableItemError) throw error;
    context.log.warn('the lease of an edge could not be looked at', {
      edge,
      error: error instanceof Error ? error.name : 'unknown',
    });
    await scheduleAgain(context, isNextSet ? { ...timer, isRepeated: false } : timer);
  }
}

/** Declares an edge dead whose lease is still as it was read, and starts the sweep. */
async function endEdge(context: Context, edge: string, { renewedAtMs, isDead }: EdgeLease): Promise<void> {
  if (!(await context.edges.declareDead(edge, renewedAtMs))) return;
  if (!isDead) {
    context.log.count(metrics.edgesDead);
    context.log.warn('edge lost: its connections are ended', { edge });
  }
  const blocks = await context.edges.closeBlocks(edge);
  const dueAtMs = context.clock.nowMs();
  await context.timers.scheduleAll(
    blocks.map((block) => ({ timer: { kind: 'edge-sweep', edge, block }, dueAtMs })),
  );
}

/**
 * Treats the connections in one block of a dead edge as lost. Every connection is tried; another
 * timer goes on with those that are left. Where all have failed this timer fails, so the queue
 * delivers it again, and a connection that cannot be ended ends in the dead-letter queue.
 *
 * A crash at any line delivers the timer again, after 180 seconds; the next look at the lease may
 * have started another sweep before. Two may run at the same time. The block is removed last.
 */
export async function sweepEdgeBlock(context: Context, timer: SweepTimer): Promise<void> {
  const { edge, block } = timer;
  const { edgeSweepsAtOnce, edgeSweepSeconds } = context.settings;
  const untilMs = context.clock.nowMs() + edgeSweepSeconds * 1000;
  let ended = 0;
  let isLeft = false;
  let failure: unknown;
  const connections = await context.connections.getMany(addressesOfBlock(edge, block), true);
  await concurrently(connections, edgeSweepsAtOnce, async (connection) => {
    if (context.clock.nowMs() >= untilMs) {
      isLeft = true;
      return;
    }
    try {
      await context.connectionLost(connection, connection.address);
    } catch (error) {
      failure ??= error;
      return;
    }
    ended += 1;
    context.log.count(metrics.edgeConnectionsLost);
  });
  if (failure !== undefined && ended === 0) throw failure;
  if (failure !== undefined) return scheduleAgain(context, timer);
  if (isLeft) return context.timers.schedule(timer, context.clock.nowMs());
  await context.edges.removeBlock(edge, block);
}

function scheduleAgain({ timers, clock, settings }: Context, timer: LeaseTimer | SweepTimer): Promise<void> {
  return timers.schedule(timer, clock.nowMs() + settings.edgeRetrySeconds * 1000);
}

/**
 * The back door of an edge has closed: unless another one renews the lease soon, the edge is dead.
 * Does nothing for a door that the edge has replaced. A crash leaves it to the chain of looks.
 *
 * @param door its connection id at API Gateway.
 */
export async function doorClosed(
  context: Pick<Context, 'clock' | 'edges' | 'timers'> & {
    readonly settings: Pick<Context['settings'], 'edgeDoorGraceSeconds'>;
  },
  door: string,
): Promise<void> {
  const edge = await context.edges.edgeOfDoor(door);
  if (edge === undefined) return;
  const lease = await context.edges.get(edge, true);
  if (lease?.door !== door || lease.isDead) return;
  const { renewedAtMs } = lease;
  const dueAtMs = context.clock.nowMs() + context.settings.edgeDoorGraceSeconds * 1000;
  await context.timers.schedule({ kind: 'edge-lease', edge, renewedAtMs, isRepeated: false }, dueAtMs);
}
