import type { Context } from '../core/context.ts';
import type { ConnectionAddress } from '../core/model.ts';
import type { Timer } from '../core/ports.ts';
import { refusal } from '../core/reasons.ts';
import { hasEnded } from '../core/session-rules.ts';
import { drain } from '../delivery/drain.ts';
import { recountTenant } from '../limits/recount.ts';
import { closeConnection } from '../sessions/close-connection.ts';
import { endSession } from '../sessions/end-session.ts';
import { publishWillOf } from '../sessions/left-will.ts';
import { endWith } from '../sessions/outcome.ts';
import { connectionLost } from '../sessions/release-connection.ts';
import { endRevoked } from '../sessions/revocation.ts';
import { graceMs, isSilent, watchIfDoubtful } from '../sessions/silence.ts';
import { sweepTenant } from '../sessions/tenant-sweep.ts';

/**
 * Acts on a timer that has fired. Each kind reads the state first, so a timer that fires twice,
 * late, or after its reason is gone does nothing.
 */
export async function fireTimer(context: Context, timer: Timer): Promise<void> {
  switch (timer.kind) {
    case 'authentication-deadline':
      return authenticationDeadline(context, timer.address);
    case 'keep-alive':
      return keepAlive(context, timer.address);
    case 'token-expiry':
      return tokenExpiry(context, timer.address);
    case 'will':
      // A client that has come back in time has replaced or deleted the row [MQTT-3.1.3-9 v5].
      return publishWillOf(context, timer, timer.address);
    case 'session-expiry':
      return sessionExpiry(context, timer);
    case 'tenant-sweep':
      return sweepTenant(context, timer);
    case 'revocation':
      return endRevoked(context, timer);
    case 'recount':
      return recountTenant(context, timer);
    default:
      return timer satisfies never;
  }
}

/** Closes a socket without an accepted CONNECT. */
async function authenticationDeadline(context: Context, address: ConnectionAddress): Promise<void> {
  const { connection, pending } = await context.connections.find(address);
  if (connection !== undefined) return;
  if (pending) await context.pendingIdentities.delete(address);
  await context.gateway.close(address);
}

/**
 * Ends a connection without a packet for 1.5 times the keep-alive as if the network had failed. API
 * Gateway knows when the connection was last active. Where that may have been a post, the
 * connection is watched (lib/sessions/silence.ts). [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3]
 */
async function keepAlive(context: Context, address: ConnectionAddress): Promise<void> {
  const connection = await context.connections.get(address);
  if (connection === undefined) return;
  const lastActiveAtMs = await context.gateway.lastActiveAtMs(address);
  if (lastActiveAtMs === undefined) return connectionLost(context, connection, address);
  const dueAtMs = lastActiveAtMs + graceMs(connection.keepAliveSeconds);
  const nowMs = context.clock.nowMs();
  if (dueAtMs <= nowMs || isSilent(connection, nowMs)) {
    const end = endWith(connection.protocolVersion, refusal('keep-alive-timeout'));
    return closeConnection(context, address, connection, [], end);
  }
  // A handler that died while sending has left entries in the queue. If the drain fails, the timer
  // queue delivers this timer again; the next one is scheduled last, so the connection keeps a
  // single chain.
  await drain(context, connection);
  const watchEndsAtMs = await watchIfDoubtful(context, connection, lastActiveAtMs);
  await context.timers.schedule({ kind: 'keep-alive', address }, Math.min(dueAtMs, watchEndsAtMs ?? dueAtMs));
}

/** Ends a connection whose token has expired, unless AUTH has renewed the token. */
async function tokenExpiry(context: Context, address: ConnectionAddress): Promise<void> {
  const connection = await context.connections.get(address);
  if (connection?.tokenExpiresAtSeconds === undefined) return;
  if (connection.tokenExpiresAtSeconds * 1000 > context.clock.nowMs()) return;
  const end = endWith(connection.protocolVersion, refusal('token-expired'));
  await closeConnection(context, address, connection, [], end);
}

async function sessionExpiry(
  context: Context,
  timer: Extract<Timer, { kind: 'session-expiry' }>,
): Promise<void> {
  const session = await context.sessions.get(timer);
  if (session === undefined || session.generation !== timer.generation) return;
  if (hasEnded(session, context.clock.nowMs())) await endSession(context, timer, timer.generation);
}
