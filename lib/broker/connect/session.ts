import type { Context } from '../../core/context.ts';
import type { ClientKey } from '../../core/model.ts';
import type { EffectiveQuotas } from '../../core/quotas.ts';
import { refusal } from '../../core/reasons.ts';
import { unlimitedReceiveMaximum } from '../../core/session-rules.ts';
import type { TenantId } from '../../core/tenant-id.ts';
import { drain } from '../../delivery/drain.ts';
import { continueIfForgotten } from '../../delivery/retained-waiting.ts';
import { gaugesFor } from '../../limits/gauges.ts';
import { askForRecount, recountAfterMs } from '../../limits/recount.ts';
import { settleEarlierWills } from '../../sessions/left-will.ts';
import { narrowSession } from '../../sessions/narrow-session.ts';
import { openSession } from '../../sessions/open-session.ts';
import { announceConnected } from '../../sessions/presence.ts';
import { takeOver } from '../../sessions/takeover.ts';
import type { Described, Holding, Refused } from './admission.ts';

/**
 * Makes the connection the holder of its client's session, within the tenant's quota of
 * connections. An observer counts, and is never refused: operators look where a quota is used up.
 */
export async function holdSession(context: Context, known: Described): Promise<Holding | Refused> {
  const { connection, packet, quotas, identity } = known;
  const { tenant, clientId, address, protocolVersion, clientTopicAliasMaximum } = connection;
  const { clientMaxPacketBytes, permissions, sessionExpirySeconds } = connection;
  const { queuedMessages, queueSeconds } = quotas;
  const opened = await openSession(context, {
    tenant,
    clientId,
    address,
    protocolVersion,
    clientTopicAliasMaximum,
    permissions,
    isNamed: identity.clientId !== undefined,
    cleanStart: packet.clean,
    expirySeconds: sessionExpirySeconds,
    receiveMaximum: packet.properties?.receiveMaximum ?? unlimitedReceiveMaximum,
    hasRoom: async () => identity.isObserver || hasRoom(context, tenant, quotas),
    ...(identity.subject === undefined ? {} : { subject: identity.subject }),
    ...(clientMaxPacketBytes === undefined ? {} : { clientMaxPacketBytes }),
    ...(queuedMessages === undefined ? {} : { maxQueuedMessages: queuedMessages }),
    ...(queueSeconds === undefined ? {} : { maxQueueSeconds: queueSeconds }),
  });
  if ('code' in opened) return { refusal: opened };
  const { generation, traceUntilMs } = opened.session;
  const traced = traceUntilMs === undefined ? {} : { traceUntilMs };
  return { ...known, opened, connection: { ...connection, generation, ...traced } };
}

/** Whether the tenant may have one more connection, as far as this process knows. */
async function hasRoom(context: Context, tenant: TenantId, quotas: EffectiveQuotas): Promise<boolean> {
  const { connections } = await gaugesFor(context, tenant, quotas, ['connections']);
  if (connections < quotas.connections) return true;
  await askForRecount(context, tenant, recountAfterMs.refusal);
  return false;
}

/**
 * Writes the connection row. Refuses where a concurrent CONNECT of the same connection has been
 * accepted.
 */
export async function createConnection(context: Context, known: Holding): Promise<Holding | Refused> {
  const { connection, opened } = known;
  if (!(await context.connections.create(connection))) return { refusal: refusal('connect-repeated') };
  context.usage.count(connection.tenant, {
    connects: 1,
    connections: opened.previousAddress === undefined ? 1 : 0,
  });
  return known;
}

/** Ends the connection that held the session, if one did. */
export async function endPreviousHolder(context: Context, known: Holding): Promise<Holding> {
  const { connection, opened, live } = known;
  const { previousAddress, previousSequence: sequence, present } = opened;
  if (previousAddress === undefined) return known;
  await takeOver(context, connection, previousAddress, { sequence, live });
  // The previous connection may have subscribed once more while the session was taken.
  if (present) await narrowSession(context, connection);
  return known;
}

/** Settles the Wills that earlier connections of a resumed session have left. */
export async function settleWills(context: Context, known: Holding): Promise<Holding> {
  if (known.opened.present) await settleEarlierWills(context, known.connection);
  return known;
}

/** Sends what waits in the queue of a resumed session, and announces the connection. */
export async function startDelivery(context: Context, known: Holding): Promise<Holding> {
  const { connection, opened, live } = known;
  await Promise.all([
    opened.present ? sendWaiting(context, connection) : undefined,
    announceConnected(context, connection, opened.session, opened.present, live),
  ]);
  return known;
}

async function sendWaiting(context: Context, key: ClientKey): Promise<void> {
  await continueIfForgotten(context, await drain(context, key));
}
