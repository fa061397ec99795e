import type { Context } from '../core/context.ts';
import type { ClientKey, Connection, ConnectionAddress, Session, TenantLive } from '../core/model.ts';
import { deleteSessionRows, endOfflineSession } from './end-session.ts';
import { discardWill, settleWill } from './left-will.ts';
import { announceDisconnected, connectionLostReason, type DisconnectReason } from './presence.ts';

/**
 * Ends a connection's hold on its session: on DISCONNECT, on `$disconnect`, when a post or a timer
 * finds the connection gone, and before the server closes it. Idempotent.
 *
 * A session that ends with its connection and has no other row (no Will, subscription or message)
 * is marked as offline and swept in one write. What a SUBSCRIBE that is still being handled stores
 * meanwhile is deleted then; where the handler dies before, the next message that matches the
 * subscription does it, as after any SUBSCRIBE that comes too late.
 *
 * Order of the writes: discarded Will, session offline, published Will, end of the session,
 * connection row. A crash before the last leaves the connection row, so the next event of the
 * connection ($disconnect, a timer, a failed post) repeats all of them with the expiry that the
 * first attempt has set. A reconnecting client takes the session over and settles the old Will
 * itself.
 */
export async function releaseConnection(
  context: Context,
  connection: Connection,
  options: {
    readonly will: 'publish' | 'discard';
    readonly reason: DisconnectReason;
    /** Default: that of CONNECT. */
    readonly sessionExpirySeconds?: number;
    /** The tenant's row where it has been read already. */
    readonly live?: TenantLive;
  },
): Promise<void> {
  const { will, reason, live } = options;
  const expirySeconds = options.sessionExpirySeconds ?? connection.sessionExpirySeconds;
  const nowMs = context.clock.nowMs();
  const leavesNothing = expirySeconds === 0 && (await context.sessions.isAlone(connection));
  if (will === 'discard' && !leavesNothing) await discardWill(context, connection, connection.address);
  const left = await context.sessions.markOffline(connection, connection.address, {
    expirySeconds,
    expiresAtMs: nowMs + expirySeconds * 1000,
    ...(leavesNothing ? { swept: true } : {}),
  });
  if (will === 'publish' && !leavesNothing)
    await settleWill(context, connection, connection.address, left?.session.expirySeconds ?? expirySeconds);
  if (left?.first === true) {
    const { code, reasonCode, initiator: by } = reason;
    context.traces.note(connection, 'disconnect', {
      connection: connection.address,
      ...{ code, by },
      ...(reasonCode === undefined ? {} : { reasonCode }),
    });
    const { tenant, protocolVersion, connectedAtMs } = connection;
    const connectionMs = Math.max(0, nowMs - connectedAtMs);
    context.usage.count(tenant, { connections: -1, connectionMs });
    const sequence = left.session.connectionSequence;
    const ended = { sequence, protocolVersion, connectedAtMs, reason };
    await announceDisconnected(context, connection, ended, live);
  }
  if (left?.session.swept === true) await sweepLate(context, left.session);
  else if (left !== undefined) await endOfflineSession(context, left.session);
  await context.connections.delete(connection.address);
}

/** Deletes what a handler has stored while the session ended. */
async function sweepLate(context: Context, session: Session): Promise<void> {
  if (!(await context.sessions.isAlone(session))) await deleteSessionRows(context, session);
}

/**
 * Ends a connection that turned out to be gone. Idempotent. A crash of CONNECT may have left a
 * session that is held by an address without a connection row: the session goes offline. There was
 * no CONNACK, so there is no Will.
 */
export async function connectionLost(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
): Promise<void> {
  const connection = await context.connections.get(address);
  if (connection !== undefined) {
    await releaseConnection(context, connection, { will: 'publish', reason: connectionLostReason });
    return;
  }
  const session = await context.sessions.get(key);
  if (session?.address !== address) return;
  const { expirySeconds } = session;
  const left = await context.sessions.markOffline(key, address, {
    expirySeconds,
    expiresAtMs: context.clock.nowMs() + expirySeconds * 1000,
  });
  if (left !== undefined) await endOfflineSession(context, left.session);
}
