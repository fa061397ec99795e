import type { Context } from '../../core/context.ts';
import type { ConnectionAddress } from '../../core/model.ts';
import type { Timer } from '../../core/ports.ts';
import { hasEnded } from '../../core/session-rules.ts';
import { drain } from '../../delivery/drain.ts';
import { recountTenant } from '../../limits/recount.ts';
import { reasonCodes } from '../../mqtt/index.ts';
import { closeConnection } from '../../sessions/close-connection.ts';
import { publishWillOf } from '../../sessions/left-will.ts';
import { connectionLost, endSession } from '../../sessions/lifecycle.ts';
import { endWith, type Refusal } from '../../sessions/outcome.ts';
import { endRevoked } from '../../sessions/revocation.ts';
import { sweepTenant } from '../../sessions/tenant-sweep.ts';
import { tokenExpired } from '../admission.ts';
import { graceMs } from '../connect/connection.ts';

/**
 * Acts on a timer that has fired, if it still matters. A timer that comes twice, late, or after its reason has gone
 * does nothing; each of them looks at the state before it acts.
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
      return willDue(context, timer);
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

/** A socket without an accepted CONNECT is closed. */
async function authenticationDeadline(context: Context, address: ConnectionAddress): Promise<void> {
  const { connection, pending } = await context.connections.find(address);
  if (connection !== undefined) return;
  if (pending) await context.pendingIdentities.delete(address);
  await context.gateway.close(address);
}

/**
 * Nothing is written per packet: API Gateway knows when the client last sent something. One and a half times the
 * keep-alive without a packet ends the connection as if the network had failed [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3].
 */
async function keepAlive(context: Context, address: ConnectionAddress): Promise<void> {
  const connection = await context.connections.get(address);
  if (connection === undefined) return;
  const lastActiveAtMs = await context.gateway.lastActiveAtMs(address);
  if (lastActiveAtMs === undefined) return connectionLost(context, connection, address);
  const dueAtMs = lastActiveAtMs + graceMs(connection.keepAliveSeconds);
  if (dueAtMs > context.clock.nowMs()) {
    // A handler that died while sending has left the queue waiting: no later than now somebody looks. Should that fail, the
    // timer queue brings this timer again; the next one is scheduled last, so that there is one of it.
    await drain(context, connection);
    await context.timers.schedule({ kind: 'keep-alive', address }, dueAtMs);
    return;
  }
  await closeConnection(
    context,
    address,
    connection,
    [],
    endWith(connection.protocolVersion, keepAliveTimeout),
  );
}

const keepAliveTimeout: Refusal = {
  code: 'keep-alive-timeout',
  message: 'no packet within 1.5 times the keep-alive',
  reasonCode: reasonCodes.keepAliveTimeout.code,
};

/** The token may have been renewed since. */
async function tokenExpiry(context: Context, address: ConnectionAddress): Promise<void> {
  const connection = await context.connections.get(address);
  if (connection?.tokenExpiresAtSeconds === undefined) return;
  if (connection.tokenExpiresAtSeconds * 1000 > context.clock.nowMs()) return;
  await closeConnection(context, address, connection, [], endWith(connection.protocolVersion, tokenExpired));
}

/** The Will's delay has passed [MQTT-3.1.3-9 v5]. A client that came back has replaced or deleted the row. */
async function willDue(context: Context, timer: Extract<Timer, { kind: 'will' }>): Promise<void> {
  await publishWillOf(context, timer, timer.address);
}

async function sessionExpiry(
  context: Context,
  timer: Extract<Timer, { kind: 'session-expiry' }>,
): Promise<void> {
  const session = await context.sessions.get(timer);
  if (session === undefined || session.generation !== timer.generation) return;
  if (hasEnded(session, context.clock.nowMs())) await endSession(context, timer, timer.generation);
}
