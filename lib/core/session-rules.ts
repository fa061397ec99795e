import type { Session, TenantLive } from './model.ts';
import type { ClientQuotas } from './quotas.ts';
import type { Settings } from './settings.ts';

/** Session Expiry Interval that never expires (section 3.1.2.11.2 of MQTT 5.0). */
export const neverEndsSeconds = 0xffff_ffff;

/**
 * Receive Maximum of a client that names none: the number of packet identifiers (section
 * 3.1.2.11.3).
 */
export const unlimitedReceiveMaximum = 65_535;

/**
 * Whether the session has ended, although its row may still exist. A session does not end while a
 * connection holds it, nor before its expiry has passed since then. An expiry of 0 ends it with the
 * connection, independent of clocks. [MQTT-4.1.0-1 v5, MQTT-3.1.2-23 v5]
 */
export function hasEnded(session: Session, nowMs: number): boolean {
  if (session.address !== undefined || session.expirySeconds === neverEndsSeconds) return false;
  return session.expirySeconds === 0 || (session.expiresAtMs !== undefined && session.expiresAtMs <= nowMs);
}

/**
 * Whether another connection of the client may resume the session. One with an expiry of 0 ends
 * with its connection: a takeover ends that connection, and so the session (5.0: section 3.1.2.11.2
 * and the note in 3.1.4). [MQTT-3.1.2-6 v3]
 */
export function mayBeResumed(session: Session, nowMs: number): boolean {
  return session.expirySeconds !== 0 && !hasEnded(session, nowMs);
}

/**
 * Whether a session may be in mode `direct`. Only claims keep a client's own Receive Maximum
 * exactly; without one, the packet identifiers themselves are the bound.
 */
export function mayGoDirect(session: Pick<Session, 'receiveMaximum'>): boolean {
  return session.receiveMaximum >= unlimitedReceiveMaximum;
}

/**
 * Takes one CONNECT from a client's rate of `connectsPerMinutePerClient`, all of which may come at
 * once (GCRA).
 * @param untilMs until when the rate was used up before, in ms since 1970; absent: never used.
 * @returns the new value; undefined, taking nothing, where the rate does not allow it now.
 */
export function afterConnect(
  { connectsPerMinutePerClient }: Pick<Settings, 'connectsPerMinutePerClient'>,
  untilMs: number | undefined,
  nowMs: number,
): number | undefined {
  const nextMs = Math.max(nowMs, untilMs ?? 0) + Math.floor(60_000 / connectsPerMinutePerClient);
  return nextMs > nowMs + 60_000 ? undefined : nextMs;
}

/** Whether the tenant has had a ban that may last until now, so that its row must be read. */
export function mayBeBanned({ bansUntilMs = 0 }: Pick<TenantLive, 'bansUntilMs'>, nowMs: number): boolean {
  return bansUntilMs > nowMs;
}

const hourMs = 3_600_000;

/** Accepted CONNECTs of a client in the hour of `nowMs`, as its session counts them. */
export function connectsInHour(
  session: Pick<Session, 'connectsHour' | 'connectsInHour'> | undefined,
  nowMs: number,
): number {
  return session?.connectsHour === Math.floor(nowMs / hourMs) ? (session.connectsInHour ?? 0) : 0;
}

/** The counts after one more. */
export function countConnect(
  session: Session | undefined,
  nowMs: number,
): Required<Pick<Session, 'connectsHour' | 'connectsInHour'>> {
  return {
    connectsHour: Math.floor(nowMs / hourMs),
    connectsInHour: connectsInHour(session, nowMs) + 1,
  };
}

/** Maximum number of messages in the session's queue. */
export function queueBound(
  { maxQueuedMessages }: Pick<Settings, 'maxQueuedMessages'>,
  session: Pick<Session, 'maxQueuedMessages'>,
): number {
  return Math.min(session.maxQueuedMessages ?? maxQueuedMessages, maxQueuedMessages);
}

/** Maximum session expiry of a client, in seconds. */
export function maxSessionExpiry(
  { maxSessionExpirySeconds }: Pick<Settings, 'maxSessionExpirySeconds'>,
  { sessionExpirySeconds }: ClientQuotas,
): number {
  return Math.min(sessionExpirySeconds ?? maxSessionExpirySeconds, maxSessionExpirySeconds);
}

/**
 * Highest packet identifier that Wisp assigns: a multiple of 8, because a row of the queue takes 8
 * numbers and must stay whole when identifiers wrap around. [MQTT-2.3.1-1 v3, MQTT-2.2.1-3 v5]
 */
export const maxPacketIdentifier = 65_528;

/**
 * The packet identifier of a queued message. It is a function of the sequence, so an
 * acknowledgement names the queue row without a read.
 */
export function packetIdentifierOf(sequence: number): number {
  return ((sequence - 1) % maxPacketIdentifier) + 1;
}

/** Position of an identifier in the wrap-around order: 0 is the oldest that may be in use. */
export function ageOrder(packetIdentifier: number, newestSequence: number): number {
  const newest = newestSequence % maxPacketIdentifier;
  return (packetIdentifier - newest - 1 + 2 * maxPacketIdentifier) % maxPacketIdentifier;
}
