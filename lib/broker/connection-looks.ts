import { concurrently } from '../core/concurrently.ts';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Connection, ConnectionAddress } from '../core/model.ts';
import { refusal } from '../core/reasons.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { maxTimerAddresses, type ScheduledTimer } from '../core/timers.ts';
import { drain } from '../delivery/drain.ts';
import { continueIfForgotten } from '../delivery/retained-waiting.ts';
import { askForRecount, recountAfterMs } from '../limits/recount.ts';
import { closeConnection } from '../sessions/close-connection.ts';
import { endWith } from '../sessions/outcome.ts';
import { connectionLost } from '../sessions/release-connection.ts';
import { graceMs, isDoubtful, isSilent, watchIfDoubtful } from '../sessions/silence.ts';
import { inSlot, nextLookMs } from './connect/connection.ts';
import type { LookMemory } from './look-memory.ts';

/**
 * Time from CONNECT to the first drain of a connection's queue by a look, in milliseconds. Each
 * further drain comes after twice the time of the one before, up to {@link maxDrainEveryMs}. A dead
 * sender is rare, and each drain is paid for: the publisher had no PUBACK and sends again, every
 * message or acknowledgement drains as well, and whoever leaves messages to a sender sets a timer.
 */
const firstDrainAfterMs = 180_000;
/** Longest time between two drains of a connection's queue by looks, in milliseconds. */
const maxDrainEveryMs = 1_440_000;
/** Time after which a look that failed is repeated, in milliseconds. */
const retryAfterMs = 30_000;

/**
 * Looks at connections of one tenant: ends those that are silent, whose token has expired or that
 * are gone, and says when to look at the others again. A connection that has ended ends its chain.
 * API Gateway knows when a connection was last active. Where that may have been a post, the
 * connection is watched (lib/sessions/silence.ts).
 *
 * Rows are read eventually consistently unless this process has read them a short while ago
 * (look-memory.ts), and again strongly before anything is ended, or watched by such a row. A look
 * that fails is repeated alone, so that one connection does not hold up the others. A crash
 * delivers the timer again; look-memory.ts says what becomes of the chain that this may double.
 *
 * A tenant with connections is recounted once a day, which also deletes what ended sessions have
 * left.
 *
 * [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3]
 */
export async function lookAtConnections(
  context: Context,
  tenant: TenantId,
  addresses: readonly ConnectionAddress[],
  drainedAtMs: number,
  memory: LookMemory,
): Promise<ScheduledTimer[]> {
  const nowMs = context.clock.nowMs();
  const unknown = new Set(addresses.filter((address) => memory.row(address, nowMs) === undefined));
  const rows = unknown.size === 0 ? [] : await context.connections.getMany([...unknown]);
  for (const row of rows) memory.rememberRow(row, nowMs);
  const bySlot = new Map<number, ConnectionAddress[]>();
  let doneUntilMs = nowMs;
  await concurrently(addresses, context.settings.maxConcurrentPosts, async (address) => {
    const dueAtMs = await lookAt(context, address, {
      memory,
      isKnown: !unknown.has(address),
      drainedAtMs,
    }).catch((error: unknown) => {
      doneUntilMs = drainedAtMs;
      memory.forgetRow(address);
      context.log.count(metrics.connectionLooksFailed);
      context.log.warn('look at a connection failed', {
        address,
        error: error instanceof Error ? error.name : 'unknown',
      });
      return nowMs + retryAfterMs;
    });
    if (dueAtMs !== undefined) bySlot.set(dueAtMs, [...(bySlot.get(dueAtMs) ?? []), address]);
  });
  if (bySlot.size > 0) await askForRecount(context, tenant, recountAfterMs.routine);
  const timer = { kind: 'connections', tenant, drainedAtMs: doneUntilMs } as const;
  return [...bySlot].flatMap(([dueAtMs, group]) => {
    const timers: ScheduledTimer[] = [];
    for (let start = 0; start < group.length; start += maxTimerAddresses)
      timers.push({
        timer: { ...timer, addresses: group.slice(start, start + maxTimerAddresses) },
        dueAtMs,
      });
    return timers;
  });
}

/** @returns when to look again, in ms since 1970; undefined: the connection has ended. */
async function lookAt(
  context: Context,
  address: ConnectionAddress,
  options: {
    readonly memory: LookMemory;
    /** Whether an earlier look has read the row. */
    readonly isKnown: boolean;
    readonly drainedAtMs: number;
  },
): Promise<number | undefined> {
  const { memory, isKnown, drainedAtMs } = options;
  const nowMs = context.clock.nowMs();
  let connection = memory.row(address, nowMs) ?? (await context.connections.get(address));
  if (connection === undefined) return undefined;
  const lastActiveAtMs = await context.gateway.lastActiveAtMs(address);
  if (lastActiveAtMs === undefined) {
    memory.forgetRow(address);
    await connectionLost(context, connection, address);
    return undefined;
  }
  if (
    endOf(connection, lastActiveAtMs, nowMs) !== undefined ||
    (isKnown && isDoubtful(connection, lastActiveAtMs, nowMs))
  ) {
    // AUTH may have renewed the token, or a frame may have been noted, since the row was read.
    memory.forgetRow(address);
    connection = await context.connections.get(address);
    if (connection === undefined) return undefined;
    const code = endOf(connection, lastActiveAtMs, nowMs);
    if (code !== undefined) {
      const end = endWith(connection.protocolVersion, refusal(code));
      await closeConnection(context, address, connection, [], end);
      return undefined;
    }
    memory.rememberRow(connection, nowMs);
  }
  // A handler that died while sending has left entries in the queue, and mode `queued`. One that
  // has changed the mode a moment ago still runs, so half a read unit tells enough.
  if (isDrainDue(connection, drainedAtMs, nowMs) && !(await context.sessions.hadNothingWaiting(connection)))
    await continueIfForgotten(context, await drain(context, connection));
  const nextMs = nextLookMs(connection, lastActiveAtMs, nowMs);
  if (connection.keepAliveSeconds === 0) return nextMs;
  const watchEndsAtMs = await watchIfDoubtful(context, connection, lastActiveAtMs);
  if (watchEndsAtMs === undefined) return nextMs;
  memory.forgetRow(address);
  return Math.min(nextMs, inSlot(connection, watchEndsAtMs));
}

/** Whether a drain fell due after `sinceMs`, until now. */
function isDrainDue({ connectedAtMs }: Connection, sinceMs: number, nowMs: number): boolean {
  let dueAtMs = connectedAtMs;
  for (let everyMs = firstDrainAfterMs; everyMs < maxDrainEveryMs; everyMs *= 2) {
    dueAtMs += everyMs;
    if (dueAtMs > sinceMs) return dueAtMs <= nowMs;
  }
  const later = Math.max(1, Math.floor((sinceMs - dueAtMs) / maxDrainEveryMs) + 1);
  return dueAtMs + later * maxDrainEveryMs <= nowMs;
}

function endOf(connection: Connection, lastActiveAtMs: number, nowMs: number) {
  const { keepAliveSeconds, tokenExpiresAtSeconds } = connection;
  if (tokenExpiresAtSeconds !== undefined && tokenExpiresAtSeconds * 1000 <= nowMs) return 'token-expired';
  if (keepAliveSeconds > 0 && lastActiveAtMs + graceMs(keepAliveSeconds) <= nowMs)
    return 'keep-alive-timeout';
  if (keepAliveSeconds > 0 && isSilent(connection, nowMs)) return 'keep-alive-timeout';
  return undefined;
}
