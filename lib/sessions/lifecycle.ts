import type { Context } from '../core/context.ts';
import type { ClientKey, Connection, ConnectionAddress, Session, TenantLive } from '../core/model.ts';
import { neverEndsSeconds } from '../core/session-rules.ts';
import { type EndedSession, redistributeShared } from '../delivery/redistribute.ts';
import { parseFilter } from '../topics/index.ts';
import { discardWill, publishWillsOfSession, settleWill } from './left-will.ts';
import { announceDisconnected, connectionLostReason, type DisconnectReason } from './presence.ts';

/**
 * Ends a connection's hold on its session: on DISCONNECT, on `$disconnect`, when a post or a timer finds it gone, and
 * before the server closes it. Idempotent.
 *
 * Order: a Will that is discarded, session offline, a Will that is published, session end, connection row. A crash after any of these leaves the connection row,
 * so whoever comes next ($disconnect, a timer, a post that finds it gone) goes through all of them again, with the expiry
 * that the first one has set; a reconnecting client takes the session over and sees to the old Will itself.
 */
export async function releaseConnection(
  context: Context,
  connection: Connection,
  options: {
    readonly will: 'publish' | 'discard';
    readonly reason: DisconnectReason;
    readonly sessionExpirySeconds?: number;
    /** The tenant's row where it has been read already. */
    readonly live?: TenantLive;
  },
): Promise<void> {
  const expirySeconds = options.sessionExpirySeconds ?? connection.sessionExpirySeconds;
  const nowMs = context.clock.nowMs();
  if (options.will === 'discard') await discardWill(context, connection, connection.address);
  const left = await context.sessions.markOffline(connection, connection.address, {
    expirySeconds,
    expiresAtMs: nowMs + expirySeconds * 1000,
  });
  if (options.will === 'publish')
    await settleWill(context, connection, connection.address, left?.session.expirySeconds ?? expirySeconds);
  if (left?.first === true) {
    const connectionMs = Math.max(0, nowMs - connection.connectedAtMs);
    context.usage.count(connection.tenant, { connections: -1, connectionMs });
    const { protocolVersion, connectedAtMs } = connection;
    const sequence = left.session.connectionSequence;
    const { reason } = options;
    await announceDisconnected(
      context,
      connection,
      { sequence, protocolVersion, connectedAtMs, reason },
      options.live,
    );
  }
  if (left !== undefined) await endInTime(context, left.session);
  await context.connections.delete(connection.address);
}

/** Ends a session that is offline: now, at its expiry, or never [MQTT-4.1.0-2 v5]. */
async function endInTime(context: Context, session: Session): Promise<void> {
  const { tenant, clientId, generation, expirySeconds, expiresAtMs } = session;
  if (expirySeconds === 0) await sweepEnded(context, session);
  else if (expirySeconds !== neverEndsSeconds && expiresAtMs !== undefined)
    await context.timers.schedule({ kind: 'session-expiry', tenant, clientId, generation }, expiresAtMs);
}

/**
 * Deletes what an ended session has left, and notes so in its row last: a crash leaves a row that has ended and not been
 * swept, and the next CONNECT, timer or message deletes the rest. Only rows of that generation go, so a client that
 * returns meanwhile keeps what it has made.
 */
export async function endSession(context: Context, key: ClientKey, generation: string): Promise<void> {
  const session = await context.sessions.get(key);
  await sweepEnded(context, session?.generation === generation ? session : { ...key, generation });
}

async function sweepEnded(context: Context, session: EndedSession): Promise<void> {
  await deleteRemains(context, session);
  await context.sessions.markSwept(session, session.generation);
}

/**
 * Wills, subscriptions, queue: in this order, so that nothing more comes for a queue that is being emptied.
 * @param session as its row was when it ended, where that is known.
 */
export async function deleteRemains(context: Context, session: EndedSession): Promise<void> {
  const { generation } = session;
  await publishWillsOfSession(context, session, generation);
  await deleteSubscriptions(context, session, generation);
  await context.queue.sweep(session, generation, (shared) => redistributeShared(context, session, shared));
}

/** Deletes the subscriptions that one generation of a session has made. */
export async function deleteSubscriptions(
  context: Context,
  key: ClientKey,
  generation: string,
): Promise<void> {
  const listed = await context.sessionSubscriptions.list(key);
  await Promise.all(
    listed
      .filter((subscription) => subscription.generation === generation)
      .map(async ({ filter: text }) => {
        const parsed = parseFilter(text);
        if (!('code' in parsed))
          await context.subscriptions.delete(key.tenant, { ...parsed, clientId: key.clientId, generation });
        await context.sessionSubscriptions.delete(key, text, generation);
      }),
  );
}

/**
 * Ends a connection that turned out to be gone. Where a crash has left a session held by an address without a
 * connection row, the session goes offline by itself; there was no CONNACK, so there is no Will.
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
  if (left !== undefined) await endInTime(context, left.session);
}
