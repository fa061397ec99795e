import type { Session } from './model.ts';
import type { ClientQuotas } from './quotas.ts';
import type { Settings } from './settings.ts';

/** Session Expiry Interval that never runs out (section 3.1.2.11.2 of MQTT 5.0). */
export const neverEndsSeconds = 0xffff_ffff;

/** Receive Maximum of a client that names none: as many as there are packet identifiers (section 3.1.2.11.3 of 5.0). */
export const unlimitedReceiveMaximum = 65_535;

/**
 * Whether the session has ended; its row may still lie there. Not while a connection holds it [MQTT-4.1.0-1 v5], nor before
 * its expiry has passed since then [MQTT-3.1.2-23 v5]. An expiry of 0 ends it whatever the clocks say.
 */
export function hasEnded(session: Session, nowMs: number): boolean {
  if (session.address !== undefined || session.expirySeconds === neverEndsSeconds) return false;
  return session.expirySeconds === 0 || (session.expiresAtMs !== undefined && session.expiresAtMs <= nowMs);
}

/**
 * Whether a session may be in mode `direct`. A bound of the client's own is kept exactly by claims; without one the
 * packet identifiers themselves are the bound.
 */
export function mayGoDirect(session: Pick<Session, 'receiveMaximum'>): boolean {
  return session.receiveMaximum >= unlimitedReceiveMaximum;
}

/** Messages that may wait for the session. */
export function queueBound(
  { maxQueuedMessages }: Pick<Settings, 'maxQueuedMessages'>,
  session: Pick<Session, 'maxQueuedMessages'>,
): number {
  return Math.min(session.maxQueuedMessages ?? maxQueuedMessages, maxQueuedMessages);
}

/** Longest session expiry of a client, in seconds. */
export function maxSessionExpiry(
  { maxSessionExpirySeconds }: Pick<Settings, 'maxSessionExpirySeconds'>,
  { sessionExpirySeconds }: ClientQuotas,
): number {
  return Math.min(sessionExpirySeconds ?? maxSessionExpirySeconds, maxSessionExpirySeconds);
}

/** Largest packet of a client, in bytes. */
export function maxPacketBytesOf(
  { maxPacketBytes }: Pick<Settings, 'maxPacketBytes'>,
  { packetBytes }: ClientQuotas,
): number {
  return Math.min(packetBytes ?? maxPacketBytes, maxPacketBytes);
}
