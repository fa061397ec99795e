import { publishMessages } from '../delivery/publish.ts';
import { parseFilter } from '../topics/index.ts';
import type { Context } from './context.ts';
import type { ClientKey, Connection, ConnectionAddress, Session, Will } from './model.ts';
import { neverEndsSeconds } from './session-rules.ts';

/**
 * Ends a connection's hold on its session: on DISCONNECT, on `$disconnect`, when a post or a timer finds it gone, and
 * before the server closes it. Idempotent.
 *
 * Order: session offline, Will, session end, connection row. A crash after any of these leaves the connection row,
 * so whoever comes next ($disconnect, a timer, a post that finds it gone) goes through all of them again, with the expiry
 * that the first one has set; a reconnecting client takes the session over and sees to the old Will itself.
 */
export async function releaseConnection(
  context: Context,
  connection: Connection,
  options: { readonly will: 'publish' | 'discard'; readonly sessionExpirySeconds?: number },
): Promise<void> {
  const expirySeconds = options.sessionExpirySeconds ?? connection.sessionExpirySeconds;
  const nowMs = context.clock.nowMs();
  const left = await context.sessions.markOffline(connection, connection.address, {
    expirySeconds,
    expiresAtMs: nowMs + expirySeconds * 1000,
  });
  await settleWill(
    context,
    connection,
    connection.address,
    options.will,
    left?.session.expirySeconds ?? expirySeconds,
  );
  if (left?.first === true) {
    const connectionMs = Math.max(0, nowMs - connection.connectedAtMs);
    context.usage.count(connection.tenant, { connections: -1, connectionMs });
  }
  if (left !== undefined) await endInTime(context, left.session);
  await context.connections.delete(connection.address);
}

/** Ends a session that is offline: now, at its expiry, or never. */
async function endInTime(context: Context, session: Session): Promise<void> {
  const { tenant, clientId, generation, expirySeconds, expiresAtMs } = session;
  if (expirySeconds === 0) await endSession(context, session, generation);
  else if (expirySeconds !== neverEndsSeconds && expiresAtMs !== undefined)
    await context.timers.schedule({ kind: 'session-expiry', tenant, clientId, generation }, expiresAtMs);
}

/**
 * Publishes or discards the Will that a connection left [MQTT-3.1.2-8, MQTT-3.14.4-3 v5]. Whoever deletes the row
 * publishes; a Will with a delay waits for its timer, but no longer than the session lasts [MQTT-3.1.3-9 v5].
 *
 * A crash between deleting the row and publishing loses the Will. The other order would publish it twice, and a Will
 * that says "gone" about a client that is back is worse than none.
 */
async function settleWill(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
  decision: 'publish' | 'discard',
  expirySeconds: number,
): Promise<void> {
  const left = await context.sessions.getWill(key);
  if (left?.address !== address) return;
  const delaySeconds = Math.min(left.will.delaySeconds, expirySeconds);
  if (decision === 'publish' && delaySeconds > 0) {
    const { tenant, clientId } = key;
    await context.timers.schedule(
      { kind: 'will', tenant, clientId, address },
      context.clock.nowMs() + delaySeconds * 1000,
    );
    return;
  }
  const taken = await context.sessions.takeWill(key, address);
  if (taken && decision === 'publish') await publishWill(context, key, left.will);
}

/** Publishes the Will of `address` now if it is still there. For takeover, timers, and the end of a session. */
export async function publishWillOf(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress | undefined,
): Promise<void> {
  const left = await context.sessions.getWill(key);
  if (left === undefined || (address !== undefined && left.address !== address)) return;
  if (await context.sessions.takeWill(key, left.address)) await publishWill(context, key, left.will);
}

/** Deletes whatever Will the client's earlier connections have left, unpublished. */
export async function discardWill(context: Context, key: ClientKey): Promise<void> {
  const left = await context.sessions.getWill(key);
  if (left !== undefined) await context.sessions.takeWill(key, left.address);
}

async function publishWill(context: Context, key: ClientKey, will: Will): Promise<void> {
  const live = await context.tenants.readLive(key.tenant, true);
  if (live === undefined) return;
  const { message, messageExpirySeconds } = will;
  const expiry =
    messageExpirySeconds === undefined
      ? {}
      : { expiresAtMs: context.clock.nowMs() + messageExpirySeconds * 1000 };
  await publishMessages(context, key.tenant, live, [{ ...message, ...expiry }]);
}

/**
 * Deletes what an ended session has left, and notes so in its row last: a crash leaves a row that has ended and not been
 * swept, and the next CONNECT or timer deletes the rest. Only rows of that generation go, so a client that returns
 * meanwhile keeps what it has made.
 */
export async function endSession(context: Context, key: ClientKey, generation: string): Promise<void> {
  await publishWillOf(context, key, undefined);
  await deleteSubscriptions(context, key, generation);
  await context.queue.sweep(key, generation);
  await context.sessions.markSwept(key, generation);
}

/** Deletes the subscriptions that one generation of a session has made. */
export async function deleteSubscriptions(
  context: Context,
  key: ClientKey,
  generation: string,
): Promise<void> {
  const listed = await context.sessions.listSubscriptions(key);
  await Promise.all(
    listed
      .filter((subscription) => subscription.generation === generation)
      .map(async ({ filter: text }) => {
        const parsed = parseFilter(text);
        if (!('code' in parsed))
          await context.subscriptions.delete(key.tenant, { ...parsed, clientId: key.clientId, generation });
        await context.sessions.deleteSubscription(key, text, generation);
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
    await releaseConnection(context, connection, { will: 'publish' });
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
