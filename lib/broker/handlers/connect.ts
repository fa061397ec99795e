import { resolvePermissions } from '../../auth/index.ts';
import type { Context } from '../../core/context.ts';
import { metrics } from '../../core/metrics.ts';
import type { Connection, ConnectionAddress, Will } from '../../core/model.ts';
import type { Identity, Permissions } from '../../core/permissions.ts';
import { clientQuotaNames, narrowed, type TenantQuotas } from '../../core/quotas.ts';
import { maxPacketBytesOf, maxSessionExpiry } from '../../core/session-rules.ts';
import type { PeerState } from '../../core/store-ports/connections.ts';
import { drain } from '../../delivery/drain.ts';
import { willRefusal } from '../../limits/publish-quotas.ts';
import { askForRecount, recountAfterMs } from '../../limits/recount.ts';
import { type ConnackPacket, type ConnectPacket, reasonCodes } from '../../mqtt/index.ts';
import { settleEarlierWills } from '../../sessions/left-will.ts';
import { narrowSession } from '../../sessions/narrow-session.ts';
import { endWith, type Outcome, refuseConnect } from '../../sessions/outcome.ts';
import { announceConnected } from '../../sessions/presence.ts';
import { isRevoked } from '../../sessions/revocation.ts';
import { openSession, SessionBusyError, TooManyConnectionsError } from '../../sessions/session-open.ts';
import { takeOver } from '../../sessions/takeover.ts';
import { tokenFrom, tokenState } from '../authentication.ts';
import { scheduleConnectionTimers } from '../timers/schedule.ts';
import { willOf } from '../will.ts';

/** What each step adds to what is known of the connecting client. */
interface Admission {
  readonly identity: Identity;
  readonly clientId: string;
  readonly assigned: boolean;
  readonly permissions: Permissions;
  /** As they hold for this client. */
  readonly quotas: TenantQuotas;
}

/**
 * CONNECT: authenticate → name → not revoked → permit the Will → open the session, within the quota of connections → write the connection row → end the connection it
 * was taken from → keep the Will → timers → CONNACK. Everything is written before CONNACK is sent,
 * which accepts with code 0 and comes first [MQTT-3.1.4-4 v3, MQTT-3.1.4-5 v5, MQTT-3.2.0-1 v3+v5]. The session is begun,
 * resumed or begun anew as Clean Session asks and lasts as long as the connection at least [MQTT-3.1.4-3 v3,
 * MQTT-3.1.4-4 v5, MQTT-4.1.0-2 v3, MQTT-4.1.0-1 v5].
 */
export async function handleConnect(
  context: Context,
  address: ConnectionAddress,
  state: PeerState,
  packet: ConnectPacket,
): Promise<Outcome> {
  // [MQTT-3.1.4-2 v5, MQTT-4.12.0-4 v5]
  const refuse = (reasonCode: number, code: string, message: string): Outcome => {
    context.log.count(metrics.connectsRefused);
    const { maximumPacketSize } = packet.properties ?? {};
    return {
      replies: [],
      end: refuseConnect(packet.protocolVersion, reasonCode, code, message, maximumPacketSize),
    };
  };

  const token = await tokenFrom(context, state, packet);
  if ('code' in token) return refuse(token.reasonCode, token.code, token.message);
  const named = nameClient(context, packet, token);
  if ('code' in named) return refuse(named.reasonCode, named.code, named.message);
  // Consistently: a revocation that came before is seen, and the connection notes what it has seen.
  const live = await context.tenants.readLive(token.tenant, true);
  if (await isRevoked(context, live ?? {}, { ...token, clientId: named.clientId }))
    return refuse(reasonCodes.notAuthorized.code, 'token-revoked', 'the token has been revoked');
  const permissions = resolvePermissions(token, {
    clientId: named.clientId,
    ...(packet.username === undefined ? {} : { username: packet.username }),
  });
  const quotas = narrowed(live?.quotas ?? {}, token.quotas);
  const admission: Admission = { ...named, identity: token, permissions, quotas };
  const will = willOf(context, admission.clientId, permissions, packet.will);
  if (will !== undefined && 'code' in will) return refuse(will.reasonCode, will.code, will.message);

  if (will !== undefined) {
    const refusal = await willRefusal(context, { tenant: token.tenant, quotas }, will);
    if (refusal !== undefined)
      return refuse(refusal.reasonCode, refusal.code, `the Will: ${refusal.message}`);
  }

  const connection = connectionOf(context, address, packet, admission, live?.revokedAtMs);
  const opened = await open(context, connection, packet, quotas);
  if ('code' in opened) return refuse(opened.reasonCode, opened.code, opened.message);
  const held = { ...connection, generation: opened.session.generation };
  if (!(await context.connections.create(held))) return secondConnect(packet);
  context.usage.count(held.tenant, {
    connects: 1,
    connections: opened.previousAddress === undefined ? 1 : 0,
  });
  if (opened.previousAddress !== undefined)
    await takeOver(context, held, opened.previousAddress, { sequence: opened.previousSequence, live });
  // The connection that held the session may have subscribed once more while it was taken.
  if (opened.present && opened.previousAddress !== undefined) await narrowSession(context, held);
  if (opened.present) await settleEarlierWills(context, held);
  if (will !== undefined) await keepWill(context, held, will);
  await scheduleConnectionTimers(context, held);
  await Promise.all([
    opened.present ? drain(context, held) : undefined,
    announceConnected(context, held, opened.session, opened.present, live),
  ]);

  context.log.count(metrics.connectsAccepted);
  return { replies: [connack(context, packet, admission, held, opened.present)], connection: held };
}

/**
 * Write yours, then read theirs: a connection from which the session has been taken meanwhile, before its CONNACK, leaves
 * no Will; whoever takes it from now on finds the row, which stays with the session [MQTT-3.1.2-7 v5].
 */
async function keepWill(context: Context, held: Connection, will: Will): Promise<void> {
  await context.wills.put(held, held.address, held.generation, will);
  const session = await context.sessions.get(held);
  if (session?.address !== held.address) await context.wills.take(held, held.address);
}

/** Within the tenant's quota of connections, as far as this process knows. */
async function hasRoom(
  context: Context,
  tenant: Identity['tenant'],
  bound: number | undefined,
): Promise<boolean> {
  if (bound === undefined || (await context.usage.gauges(tenant)).connections < bound) return true;
  await askForRecount(context, tenant, recountAfterMs.refusal);
  return false;
}

/** A connection that has had its CONNACK gets no second one [MQTT-3.2.0-2 v5]. */
function secondConnect(packet: ConnectPacket): Outcome {
  const { code } = reasonCodes.protocolError;
  return {
    replies: [],
    end: endWith(packet.protocolVersion, code, 'connect-repeated', 'a connection carries one CONNECT'),
  };
}

/**
 * The client id [MQTT-3.1.3-5 v3+v5, MQTT-3.1.3-6 v3+v5], under which the session is kept [MQTT-3.1.3-2 v3+v5]; one that is
 * refused gets 0x02, in 5.0 0x85 [MQTT-3.1.3-9 v3, MQTT-3.1.3-8 v5]: what the token demands, what the packet says, or an
 * assigned one that no other session has [MQTT-3.2.2-16 v5].
 */
function nameClient(
  context: Context,
  packet: ConnectPacket,
  identity: Identity,
): { clientId: string; assigned: boolean } | { reasonCode: number; code: string; message: string } {
  const { code: reasonCode } = reasonCodes.clientIdentifierNotValid;
  const { clientId } = packet;
  if (clientId === '' && packet.protocolVersion === 3)
    return { reasonCode, code: 'client-id-empty', message: 'MQTT 3.1 demands a client identifier' };
  // [MQTT-3.1.3-8 v3]
  if (clientId === '' && packet.protocolVersion === 4 && !packet.clean)
    return {
      reasonCode,
      code: 'client-id-empty',
      message: 'a session that is kept needs a client identifier',
    };
  // What the token demands counts too: it becomes part of keys where the packet leaves the name open.
  if (Buffer.byteLength(clientId || (identity.clientId ?? '')) > context.settings.maxClientIdBytes)
    return {
      reasonCode,
      code: 'client-id-too-long',
      message: `a client identifier has at most ${context.settings.maxClientIdBytes} bytes`,
    };
  if (identity.clientId !== undefined && clientId !== '' && clientId !== identity.clientId)
    return {
      reasonCode,
      code: 'client-id-not-granted',
      message: 'the token names another client identifier',
    };
  if (clientId !== '') return { clientId, assigned: false };
  return { clientId: identity.clientId ?? context.ids.unique(), assigned: true };
}

function connectionOf(
  context: Context,
  address: ConnectionAddress,
  packet: ConnectPacket,
  { identity, clientId, permissions, quotas }: Admission,
  revocationsSeenMs: number | undefined,
): Connection {
  const { properties } = packet;
  return {
    address,
    tenant: identity.tenant,
    clientId,
    protocolVersion: packet.protocolVersion,
    generation: address,
    keepAliveSeconds: effectiveKeepAlive(context, packet, quotas),
    ...tokenState(identity, permissions, revocationsSeenMs),
    clientTopicAliasMaximum: properties?.topicAliasMaximum ?? 0,
    requestProblemInformation: properties?.requestProblemInformation ?? true,
    sessionExpirySeconds: sessionExpiry(context, packet, quotas),
    topicAliases: {},
    connectedAtMs: context.clock.nowMs(),
    ...(packet.username === undefined ? {} : { username: packet.username }),
    ...(properties?.maximumPacketSize === undefined
      ? {}
      : { clientMaxPacketBytes: properties.maximumPacketSize }),
    ...(properties?.authenticationMethod === undefined
      ? {}
      : { authenticationMethod: properties.authenticationMethod }),
  };
}

/**
 * 5.0 clients are told the service's longest keep-alive, or the tenant's shortest, and held to it [MQTT-3.1.2-21 v5,
 * MQTT-3.2.2-21 v5]; without one their own counts [MQTT-3.2.2-22 v5]. Earlier ones keep their own.
 */
function effectiveKeepAlive(
  { settings }: Context,
  { protocolVersion, keepalive }: ConnectPacket,
  { minKeepAliveSeconds = 0 }: TenantQuotas,
): number {
  const { maxKeepAliveSeconds } = settings;
  if (protocolVersion < 5) return keepalive;
  if (keepalive === 0) return maxKeepAliveSeconds;
  return Math.min(Math.max(keepalive, minKeepAliveSeconds), maxKeepAliveSeconds);
}

/** 3.1.1 has no expiry: a session is kept for as long as the settings say [MQTT-3.1.2-4 v3, MQTT-4.1.0-1 v3]. */
function sessionExpiry({ settings }: Context, packet: ConnectPacket, quotas: TenantQuotas): number {
  const maxSeconds = maxSessionExpiry(settings, quotas);
  if (packet.protocolVersion < 5)
    return packet.clean ? 0 : Math.min(settings.v3SessionExpirySeconds, maxSeconds);
  return Math.min(packet.properties?.sessionExpiryInterval ?? 0, maxSeconds);
}

async function open(
  context: Context,
  connection: Connection,
  packet: ConnectPacket,
  { connections, queuedMessages, queueSeconds }: TenantQuotas,
) {
  const { tenant, clientId, address, protocolVersion, clientTopicAliasMaximum } = connection;
  const { clientMaxPacketBytes } = connection;
  try {
    return await openSession(context, {
      tenant,
      clientId,
      address,
      protocolVersion,
      clientTopicAliasMaximum,
      permissions: connection.permissions,
      cleanStart: packet.clean,
      expirySeconds: connection.sessionExpirySeconds,
      receiveMaximum: packet.properties?.receiveMaximum ?? 65_535,
      hasRoom: () => hasRoom(context, tenant, connections),
      ...(clientMaxPacketBytes === undefined ? {} : { clientMaxPacketBytes }),
      ...(queuedMessages === undefined ? {} : { maxQueuedMessages: queuedMessages }),
      ...(queueSeconds === undefined ? {} : { maxQueueSeconds: queueSeconds }),
    });
  } catch (error) {
    if (error instanceof SessionBusyError || error instanceof TooManyConnectionsError) return error;
    throw error;
  }
}

/**
 * The CONNACK that accepts. It names an assigned client identifier [MQTT-3.1.3-7 v5] and the
 * authentication method of CONNECT, or none where there was none [MQTT-4.12.0-5 v5, MQTT-4.12.0-6 v5]; response information it
 * never has [MQTT-3.1.2-28 v5].
 */
function connack(
  context: Context,
  packet: ConnectPacket,
  { clientId, assigned, quotas }: Admission,
  connection: Connection,
  sessionPresent: boolean,
): ConnackPacket {
  // [MQTT-3.2.2-1 v3, MQTT-3.2.2-2 v3, MQTT-3.2.2-3 v3, MQTT-3.2.2-2 v5, MQTT-3.2.2-3 v5]; MQTT 3.1 reserves the byte.
  if (packet.protocolVersion === 3) return { cmd: 'connack', sessionPresent: false, returnCode: 0 };
  if (packet.protocolVersion === 4) return { cmd: 'connack', sessionPresent, returnCode: 0 };
  const { settings } = context;
  const asked = packet.properties?.sessionExpiryInterval ?? 0;
  const { sessionExpirySeconds, keepAliveSeconds, authenticationMethod } = connection;
  return {
    cmd: 'connack',
    sessionPresent,
    reasonCode: reasonCodes.success.code,
    properties: {
      receiveMaximum: settings.receiveMaximum,
      maximumPacketSize: maxPacketBytesOf(settings, quotas),
      topicAliasMaximum: settings.topicAliasMaximum,
      ...(assigned ? { assignedClientIdentifier: clientId } : {}),
      ...(keepAliveSeconds === packet.keepalive ? {} : { serverKeepAlive: keepAliveSeconds }),
      ...(sessionExpirySeconds === asked ? {} : { sessionExpiryInterval: sessionExpirySeconds }),
      ...(authenticationMethod === undefined ? {} : { authenticationMethod }),
      ...quotaProperties(quotas),
    },
  };
}

/** The client's own quotas as user properties `quota.NAME`; without any, none. */
function quotaProperties(quotas: TenantQuotas): { userProperties?: [string, string][] } {
  const set = clientQuotaNames.flatMap((name): [string, string][] => {
    const bound = quotas[name];
    return bound === undefined ? [] : [[`quota.${name}`, String(bound)]];
  });
  return set.length === 0 ? {} : { userProperties: set };
}
