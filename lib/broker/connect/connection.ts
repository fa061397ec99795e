import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';
import { clientQuotaNames, maxPacketBytesOf, type TenantQuotas } from '../../core/quotas.ts';
import { refusal } from '../../core/reasons.ts';
import { maxSessionExpiry } from '../../core/session-rules.ts';
import { type ScheduledTimer, timerReachMs } from '../../core/timers.ts';
import { type ConnackPacket, type ConnectPacket, encodePacketWithin, reasonCodes } from '../../mqtt/index.ts';
import { graceMs } from '../../sessions/silence.ts';
import type { Described, Refused, WillJudged } from './admission.ts';
import { tokenState } from './token.ts';

/** Longest time by which a look may be late so that connections share one, in milliseconds. */
const maxSlotMs = 90_000;
const minSlotMs = 1_000;

/** Composes the connection row; until the session is open, its generation is the address. */
export function describeConnection(context: Context, known: WillJudged): Described {
  const { address, packet, identity, clientId, permissions, quotas, live } = known;
  const { protocolVersion, bridgeMode = false, username, properties = {} } = packet;
  const { maximumPacketSize, authenticationMethod } = properties;
  const connection: Connection = {
    address,
    tenant: identity.tenant,
    clientId,
    protocolVersion,
    isBridge: bridgeMode,
    generation: address,
    keepAliveSeconds: effectiveKeepAlive(context, packet, quotas),
    ...tokenState(identity, permissions, live.revokedAtMs),
    clientTopicAliasMaximum: properties.topicAliasMaximum ?? 0,
    requestProblemInformation: properties.requestProblemInformation ?? true,
    sessionExpirySeconds: effectiveSessionExpiry(context, packet, quotas),
    topicAliases: {},
    connectedAtMs: context.clock.nowMs(),
    ...(username === undefined ? {} : { username }),
    ...(maximumPacketSize === undefined ? {} : { clientMaxPacketBytes: maximumPacketSize }),
    ...(authenticationMethod === undefined ? {} : { authenticationMethod }),
  };
  return { ...known, connection };
}

/**
 * The keep-alive that the server enforces, in seconds; 0: none. 5.0 clients get one between the
 * tenant's shortest and the service's longest, told as Server Keep Alive; where it is not told,
 * their own holds. Earlier versions cannot be told and keep their own.
 *
 * [MQTT-3.1.2-21 v5, MQTT-3.2.2-21 v5, MQTT-3.2.2-22 v5]
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

/**
 * In seconds. 3.1.1 has no expiry interval: a session that is not clean lasts as long as the
 * settings say [MQTT-3.1.2-4 v3, MQTT-4.1.0-1 v3].
 */
function effectiveSessionExpiry(
  { settings }: Context,
  { protocolVersion, clean, properties }: ConnectPacket,
  quotas: TenantQuotas,
): number {
  const maxSeconds = maxSessionExpiry(settings, quotas);
  if (protocolVersion < 5) return clean ? 0 : Math.min(settings.v3SessionExpirySeconds, maxSeconds);
  return Math.min(properties?.sessionExpiryInterval ?? 0, maxSeconds);
}

/** Slots of which looks at clients that still send share one. */
const slotsPerLook = 2;
/** Shortest slot of which a first look comes early, in milliseconds: a keep-alive of 6 minutes. */
const minFirstSharedSlotMs = 60_000;

/**
 * When to look at a connection next: when its keep-alive or its token runs out, at the latest after
 * one delay of the timer queue. The time for a keep-alive is rounded up to a slot, a ninth of the
 * grace and at most {@link maxSlotMs}, so that looks at many connections fall due together. Where
 * there is time, the look comes up to a slot earlier, so that twice as many share it: a client that
 * sends once per keep-alive has been active again by then, and another is looked at in its slot.
 * The first packet after CONNECT may be late, so where slots are short the first look is not early.
 */
export function nextLookMs(
  connection: Connection,
  lastActiveAtMs: number,
  nowMs: number,
  isFirst = false,
): number {
  const { keepAliveSeconds, tokenExpiresAtSeconds } = connection;
  const slotOf = isFirst && slotMsOf(connection) < minFirstSharedSlotMs ? inSlot : sharedSlot;
  const silentAtMs =
    keepAliveSeconds === 0
      ? Number.POSITIVE_INFINITY
      : slotOf(connection, lastActiveAtMs + graceMs(keepAliveSeconds), nowMs);
  // One slot less, so that rounding does not exceed the reach.
  const latestMs = inSlot(connection, nowMs + timerReachMs - maxSlotMs);
  return Math.min(silentAtMs, (tokenExpiresAtSeconds ?? Number.POSITIVE_INFINITY) * 1000, latestMs);
}

/** The slot of `atMs`, or that before it where looks of both are shared and it has not come yet. */
function sharedSlot(connection: Connection, atMs: number, nowMs: number): number {
  const sharedMs = slotMsOf(connection) * slotsPerLook;
  const inTimeMs = inSlot(connection, atMs);
  const earlierMs = Math.floor(inTimeMs / sharedMs) * sharedMs;
  return earlierMs > nowMs ? earlierMs : inTimeMs;
}

/** Rounds a time in ms up to the next slot in which connections of that keep-alive share looks. */
export function inSlot(connection: Connection, atMs: number): number {
  const slotMs = slotMsOf(connection);
  return Math.ceil(atMs / slotMs) * slotMs;
}

function slotMsOf({ keepAliveSeconds }: Connection): number {
  const ninthMs = keepAliveSeconds === 0 ? maxSlotMs : Math.floor(graceMs(keepAliveSeconds) / 9_000) * 1000;
  return Math.max(minSlotMs, Math.min(maxSlotMs, ninthMs));
}

/** The first timer of the chain that looks at a connection until it has ended. */
export function firstLook(connection: Connection): ScheduledTimer {
  const { tenant, address, connectedAtMs } = connection;
  return {
    timer: { kind: 'connections', tenant, addresses: [address], drainedAtMs: connectedAtMs },
    dueAtMs: nextLookMs(connection, connectedAtMs, connectedAtMs, true),
  };
}

/**
 * The CONNACK that accepts. In 5.0 it names an assigned client identifier and the authentication
 * method of CONNECT, if there was one. It never has response information. MQTT 3.1 reserves the
 * byte of Session Present.
 *
 * [MQTT-3.1.3-7 v5, MQTT-4.12.0-5 v5, MQTT-4.12.0-6 v5, MQTT-3.1.2-28 v5, MQTT-3.2.2-1 v3,
 * MQTT-3.2.2-2 v3, MQTT-3.2.2-3 v3, MQTT-3.2.2-2 v5, MQTT-3.2.2-3 v5]
 */
export function connackFor(context: Context, known: Described, sessionPresent: boolean): ConnackPacket {
  const { packet, clientId, isAssigned, quotas, connection } = known;
  if (packet.protocolVersion === 3) return { cmd: 'connack', sessionPresent: false, returnCode: 0 };
  if (packet.protocolVersion === 4) return { cmd: 'connack', sessionPresent, returnCode: 0 };
  const { settings } = context;
  const requestedExpiry = packet.properties?.sessionExpiryInterval ?? 0;
  const { sessionExpirySeconds, keepAliveSeconds, authenticationMethod } = connection;
  return {
    cmd: 'connack',
    sessionPresent,
    reasonCode: reasonCodes.success.code,
    properties: {
      receiveMaximum: settings.receiveMaximum,
      maximumPacketSize: maxPacketBytesOf(settings, quotas),
      topicAliasMaximum: settings.topicAliasMaximum,
      ...(isAssigned ? { assignedClientIdentifier: clientId } : {}),
      ...(keepAliveSeconds === packet.keepalive ? {} : { serverKeepAlive: keepAliveSeconds }),
      ...(sessionExpirySeconds === requestedExpiry ? {} : { sessionExpiryInterval: sessionExpirySeconds }),
      ...(authenticationMethod === undefined ? {} : { authenticationMethod }),
      ...quotaProperties(context, quotas),
    },
  };
}

/**
 * Refuses a client whose Maximum Packet Size its CONNACK exceeds: it would wait for a CONNACK that
 * must not be sent. [MQTT-3.1.2-24 v5]
 */
export function limitConnack(context: Context, known: Described): Described | Refused {
  const { protocolVersion, clientMaxPacketBytes } = known.connection;
  if (clientMaxPacketBytes === undefined) return known;
  const connack = connackFor(context, known, false);
  const fits = encodePacketWithin(connack, protocolVersion, clientMaxPacketBytes) !== undefined;
  return fits ? known : { refusal: refusal('connack-too-large', `${clientMaxPacketBytes}`) };
}

/** The client's quotas as user properties `quota.NAME`, other than the service's defaults. */
function quotaProperties(
  { settings }: Context,
  quotas: TenantQuotas,
): { userProperties?: [string, string][] } {
  const defaults: TenantQuotas = settings.defaultQuotas;
  const set = clientQuotaNames.flatMap((name): [string, string][] => {
    const bound = quotas[name];
    return bound === undefined || bound === defaults[name] ? [] : [[`quota.${name}`, String(bound)]];
  });
  return set.length === 0 ? {} : { userProperties: set };
}
