import type { ClientKey, Connection, Session } from '../core/model.ts';
import { refusal } from '../core/reasons.ts';
import { connectsInHour, hasEnded } from '../core/session-rules.ts';
import { Problem } from '../http/problem.ts';
import { parameter } from '../http/read.ts';
import { disconnectClient } from '../sessions/disconnect-client.ts';
import { protocolNames } from '../sessions/presence.ts';
import { releaseClient } from '../sessions/release-client.ts';
import { pageLimit, pageStart, pageToken } from './paging.ts';
import { type AdminCall, type AdminOperation, existingTenant } from './request.ts';
import { isoTime } from './tenant-config.ts';

/**
 * Index pages read for one answer. Rows of ended sessions are left out, so a page may have fewer
 * items.
 */
const maxIndexPages = 10;

/** Clients that are connected or have a session, by client id. */
export const listClients: AdminOperation = async (call) => {
  const { context, request } = call;
  const tenant = await existingTenant(call);
  const limit = pageLimit(request.query);
  const nowMs = context.clock.nowMs();
  let after = pageStart(request.query, 1)?.[0];
  const found: Session[] = [];
  let more = true;
  for (let pages = 0; more && found.length < limit && pages < maxIndexPages; pages += 1) {
    const page = await context.tenantData.clientIds(tenant, after, limit - found.length);
    const sessions = await context.tenantData.sessions(tenant, page.clientIds);
    const byId = new Map(sessions.map((session) => [session.clientId, session]));
    found.push(
      ...page.clientIds.flatMap((clientId) => {
        const session = byId.get(clientId);
        return session === undefined || hasEnded(session, nowMs) ? [] : [session];
      }),
    );
    after = page.clientIds.at(-1) ?? after;
    more = page.more;
  }
  return {
    status: 200,
    body: {
      clients: found.map((session) => summary(session, nowMs)),
      ...(more && after !== undefined ? { next: pageToken(after) } : {}),
    },
  };
};

/** One client: session, connection and subscriptions. */
export const showClient: AdminOperation = async (call) => {
  const { context } = call;
  const { session, key } = await sessionOf(call);
  const { address, generation } = session;
  const [connection, subscriptions, queuedMessages] = await Promise.all([
    address === undefined ? undefined : context.connections.get(address),
    context.tenantData.subscriptionsOf(key, generation),
    context.queue.count(key, context.settings.maxQueuedMessages),
  ]);
  return {
    status: 200,
    body: {
      ...summary(session, context.clock.nowMs()),
      queuedMessages,
      subscriptions: subscriptions
        .map(({ filter, shareName, qos, noLocal, retainAsPublished, subscriptionIdentifier }) => ({
          filter: shareName === undefined ? filter : `$share/${shareName}/${filter}`,
          qos,
          noLocal,
          retainAsPublished,
          ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier }),
        }))
        .sort((one, other) => (one.filter < other.filter ? -1 : 1)),
      ...(connection === undefined ? {} : { connection: connectionJson(connection) }),
    },
  };
};

/**
 * Ends the client's connection with 0x98 (Administrative action). Its session is kept, and the
 * client may reconnect.
 */
export const kickClient: AdminOperation = async (call) => {
  const { key } = await sessionOf(call);
  const disconnected = await disconnectClient(call.context, key, refusal('client-disconnected'));
  return { status: 200, body: { disconnected } };
};

/** Ends the client's connection and session, so that its client id belongs to no subject. */
export const releaseClientId: AdminOperation = async (call) => {
  const { key } = await sessionOf(call);
  const refused = await releaseClient(call.context, key);
  if (refused !== undefined) throw new Problem('tenant-busy');
  return { status: 200, body: { released: true } };
};

async function sessionOf(call: AdminCall): Promise<{ session: Session; key: ClientKey }> {
  const tenant = await existingTenant(call);
  const clientId = parameter(call.request.query, 'clientId');
  const { context } = call;
  if (Buffer.byteLength(clientId) > context.settings.maxClientIdBytes) throw new Problem('client-unknown');
  const key = { tenant, clientId };
  const session = await context.sessions.get(key);
  if (session === undefined || hasEnded(session, context.clock.nowMs())) throw new Problem('client-unknown');
  return { session, key };
}

function summary(session: Session, nowMs: number): object {
  const { clientId, address, protocolVersion, expirySeconds, expiresAtMs } = session;
  return {
    clientId,
    online: address !== undefined,
    protocolVersion: protocolNames[protocolVersion],
    sessionExpirySeconds: expirySeconds,
    connectsThisHour: connectsInHour(session, nowMs),
    ...(address !== undefined || expiresAtMs === undefined || expirySeconds === neverEnds
      ? {}
      : { sessionExpiresAt: isoTime(expiresAtMs) }),
  };
}

const neverEnds = 0xffff_ffff;

function connectionJson(connection: Connection): object {
  const { address, connectedAtMs, keepAliveSeconds, subject, username, tokenExpiresAtSeconds } = connection;
  return {
    connectionId: address,
    connectedAt: isoTime(connectedAtMs),
    keepAliveSeconds,
    ...(subject === undefined ? {} : { subject }),
    ...(username === undefined ? {} : { username }),
    ...(tokenExpiresAtSeconds === undefined ? {} : { tokenExpiresAt: isoTime(tokenExpiresAtSeconds * 1000) }),
  };
}
