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
import { graceMs, isSilent, watchIfDoubtful } from '../sessions/silence.ts';
import { inSlot, nextLookMs } from './connect/connection.ts';

/** Time between two drains of a connection's queue by looks, in milliseconds. */
const drainEveryMs = 180_000;
/** Time after which a look that failed is repeated, in milliseconds. */
const retryAfterMs = 30_000;

/**
 * Looks at connections of one tenant: ends those that are silent, whose token has expired or that
 * are gone, and says when to look at the others again. A connection that has ended ends its chain.
 * API Gateway knows when a connection was last active. Where that may have been a post, the
 * connection is watched (lib/sessions/silence.ts).
 *
 * Rows are read eventually consistently, and again strongly before anything is ended. A look that
 * fails is repeated alone, so that one connection does not hold up the others. A crash delivers the
 * timer again; look-memory.ts says what becomes of the chain that this may double.
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
): Promise<ScheduledTimer[]> {
  const nowMs = context.clock.nowMs();
  const drains = drainedAtMs + drainEveryMs <= nowMs;
  const rows = new Map((await context.connections.getMany(addresses)).map((row) => [row.address, row]));
  const bySlot = new Map<number, ConnectionAddress[]>();
  await concurrently(addresses, context.settings.maxConcurrentPosts, async (address) => {
    const dueAtMs = await lookAt(context, address, rows.get(address), drains).catch((error: unknown) => {
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
  const timer = { kind: 'connections', tenant, drainedAtMs: drains ? nowMs : drainedAtMs } as const;
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
  known: Connection | undefined,
  drains: boolean,
): Promise<number | undefined> {
  let connection = known ?? (await context.connections.get(address));
  if (connection === undefined) return undefined;
  const lastActiveAtMs = await context.gateway.lastActiveAtMs(address);
  if (lastActiveAtMs === undefined) {
    await connectionLost(context, connection, address);
    return undefined;
  }
  const nowMs = context.clock.nowMs();
  if (endOf(connection, lastActiveAtMs, nowMs) !== undefined) {
    // AUTH may have renewed the token a moment ago.
    connection = await context.connections.get(address);
    if (connection === undefined) return undefined;
    const code = endOf(connection, lastActiveAtMs, nowMs);
    if (code !== undefined) {
      const end = endWith(connection.protocolVersion, refusal(code));
      await closeConnection(context, address, connection, [], end);
      return undefined;
    }
  }
  // A handler that died while sending has left entries in the queue.
  if (drains) await continueIfForgotten(context, await drain(context, connection));
  const nextMs = nextLookMs(connection, lastActiveAtMs, nowMs);
  if (connection.keepAliveSeconds === 0) return nextMs;
  const watchEndsAtMs = await watchIfDoubtful(context, connection, lastActiveAtMs);
  return watchEndsAtMs === undefined ? nextMs : Math.min(nextMs, inSlot(connection, watchEndsAtMs));
}

function endOf(connection: Connection, lastActiveAtMs: number, nowMs: number) {
  const { keepAliveSeconds, tokenExpiresAtSeconds } = connection;
  if (tokenExpiresAtSeconds !== undefined && tokenExpiresAtSeconds * 1000 <= nowMs) return 'token-expired';
  if (keepAliveSeconds > 0 && lastActiveAtMs + graceMs(keepAliveSeconds) <= nowMs)
    return 'keep-alive-timeout';
  if (keepAliveSeconds > 0 && isSilent(connection, nowMs)) return 'keep-alive-timeout';
  return undefined;
}
