import type { Context } from '../core/context.ts';
import type { ConnectionAddress } from '../core/model.ts';
import { refusal } from '../core/reasons.ts';
import { hasEnded } from '../core/session-rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { maxTimerAddresses, type ScheduledTimer, type Timer, timerReachMs } from '../core/timers.ts';
import { drain } from '../delivery/drain.ts';
import { continueRetained, continueWaiting } from '../delivery/retained.ts';
import { eraseRecords } from '../delivery/rules.ts';
import { recountTenant } from '../limits/recount.ts';
import { noteRefusal } from '../limits/refusals.ts';
import { searchShapes } from '../limits/shapes.ts';
import { endBanned } from '../sessions/bans.ts';
import { closeConnection } from '../sessions/close-connection.ts';
import { endSession } from '../sessions/end-session.ts';
import { publishWillOf } from '../sessions/left-will.ts';
import { endWith } from '../sessions/outcome.ts';
import { endRevoked } from '../sessions/revocation.ts';
import { sweepTenant } from '../sessions/tenant-sweep.ts';
import { firstLook } from './connect/connection.ts';
import { lookAtConnections } from './connection-looks.ts';
import { lookAtEdge, sweepEdgeBlock } from './edge-death.ts';
import type { LookMemory } from './look-memory.ts';

/** A timer that is handled alone. */
type SingleTimer = Exclude<Timer, { kind: 'connections' | 'keep-alive' }>;

/** Work that arrived timers have in common, and which of them it serves. */
interface Work {
  readonly indexes: readonly number[];
  /** @returns the timers that continue the chains; none: they have ended. */
  run(): Promise<readonly ScheduledTimer[]>;
}

/**
 * Handles timers that have arrived, due or on their way. Each looks at its subject first: where
 * that is gone or replaced, its chain of messages ends. So a timer that arrives twice, late, or
 * after its reason is gone does nothing.
 *
 * Looks at connections of one tenant are merged, and all timers go on in few requests. They are
 * sent last: a crash before delivers the arrived timers again.
 *
 * @returns the outcome of each, in their order; a rejected one must be delivered again.
 */
export async function handleTimers(
  context: Context,
  arrived: readonly ScheduledTimer[],
  memory: LookMemory,
): Promise<PromiseSettledResult<void>[]> {
  const works = [...mergedLooks(context, arrived, memory), ...otherWorks(context, arrived)];
  const results = await Promise.allSettled(works.map((work) => work.run()));
  const onward = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  const [sent] = await Promise.allSettled([
    onward.length === 0 ? undefined : context.timers.scheduleAll(onward),
  ]);
  if (sent?.status === 'fulfilled') memory.remember(onward);
  const outcomes: PromiseSettledResult<void>[] = arrived.map(() => ({
    status: 'fulfilled',
    value: undefined,
  }));
  for (const [position, { indexes }] of works.entries()) {
    const result = results[position];
    const failed =
      result?.status === 'rejected'
        ? result
        : sent?.status === 'rejected' && result?.value.length
          ? sent
          : undefined;
    if (failed !== undefined) for (const index of indexes) outcomes[index] = failed;
  }
  return outcomes;
}

/** One look for at most {@link maxTimerAddresses} connections of a tenant. */
function mergedLooks(context: Context, arrived: readonly ScheduledTimer[], memory: LookMemory): Work[] {
  interface Look {
    readonly tenant: TenantId;
    readonly indexes: number[];
    readonly addresses: Set<ConnectionAddress>;
    drainedAtMs: number;
  }
  const open = new Map<TenantId, Look>();
  const looks: Look[] = [];
  const nowMs = context.clock.nowMs();
  for (const [index, { timer }] of arrived.entries()) {
    if (timer.kind !== 'connections') continue;
    const { tenant, drainedAtMs } = timer;
    const addresses = timer.addresses.filter((address) => !memory.isScheduled(address, nowMs));
    if (addresses.length === 0) continue;
    let look = open.get(tenant);
    if (look === undefined || look.addresses.size + addresses.length > maxTimerAddresses) {
      look = { tenant, indexes: [], addresses: new Set(), drainedAtMs };
      open.set(tenant, look);
      looks.push(look);
    }
    look.indexes.push(index);
    look.drainedAtMs = Math.min(look.drainedAtMs, drainedAtMs);
    for (const address of addresses) look.addresses.add(address);
  }
  return looks.map(({ tenant, indexes, addresses, drainedAtMs }) => ({
    indexes,
    run: () => lookAtConnections(context, tenant, [...addresses], drainedAtMs, memory),
  }));
}

function otherWorks(context: Context, arrived: readonly ScheduledTimer[]): Work[] {
  return arrived.flatMap(({ timer, dueAtMs }, index): Work[] => {
    if (timer.kind === 'connections') return [];
    return [{ indexes: [index], run: () => handleTimer(context, timer, dueAtMs) }];
  });
}

async function handleTimer(
  context: Context,
  timer: Exclude<Timer, { kind: 'connections' }>,
  dueAtMs: number,
): Promise<readonly ScheduledTimer[]> {
  if (timer.kind === 'keep-alive') return adoptConnection(context, timer.address);
  if (dueAtMs <= context.clock.nowMs()) {
    await fireTimer(context, timer);
    return [];
  }
  return (await isWanted(context, timer)) ? [{ timer, dueAtMs }] : [];
}

/** Acts on a timer that is due. */
async function fireTimer(context: Context, timer: SingleTimer): Promise<void> {
  switch (timer.kind) {
    case 'authentication-deadline':
      return authenticationDeadline(context, timer.address);
    case 'token-expiry':
      return tokenExpiry(context, timer.address);
    case 'will':
      // A client that has come back in time has replaced or deleted the row [MQTT-3.1.3-9 v5].
      return publishWillOf(context, timer, timer.address);
    case 'session-expiry':
      return sessionExpiry(context, timer);
    case 'retained':
      return continueRetained(context, timer);
    case 'retained-waiting':
      return continueWaiting(context, timer);
    case 'tenant-sweep':
      return sweepTenant(context, timer);
    case 'revocation':
      return endRevoked(context, timer);
    case 'ban':
      return endBanned(context, timer);
    case 'sender':
      await drain(context, timer);
      return;
    case 'rule-records':
      return eraseRecords(context, timer);
    case 'recount':
      return recountTenant(context, timer);
    case 'shapes':
      return searchShapes(context, timer);
    case 'edge-lease':
      return lookAtEdge(context, timer);
    case 'edge-sweep':
      return sweepEdgeBlock(context, timer);
    default:
      return timer satisfies never;
  }
}

/** Whether the subject of a timer that is not due yet still exists and needs it. */
async function isWanted(context: Context, timer: SingleTimer): Promise<boolean> {
  switch (timer.kind) {
    case 'will':
      return (await context.wills.get(timer, timer.address)) !== undefined;
    case 'session-expiry':
      return isExpiryAwaited(context, timer);
    case 'token-expiry': {
      // Written by an earlier release. The chain of the keep-alive looks at the token as well.
      const connection = await context.connections.get(timer.address);
      return connection !== undefined && connection.keepAliveSeconds === 0;
    }
    default:
      return true;
  }
}

/** Closes a socket without an accepted CONNECT. */
async function authenticationDeadline(context: Context, address: ConnectionAddress): Promise<void> {
  // Half a read unit in the usual case, where the client has connected seconds ago.
  if ((await context.connections.getMany([address])).length > 0) return;
  const { connection, pending } = await context.connections.find(address);
  if (connection !== undefined) return;
  if (pending) await context.pendingIdentities.delete(address);
  const wasOpen = await context.gateway.close(address);
  if (wasOpen) noteRefusal(context, { code: 'connect-late', what: 'connection', connection: address });
}

/** A timer of an earlier release becomes the chain of its connection. */
async function adoptConnection(
  context: Context,
  address: ConnectionAddress,
): Promise<readonly ScheduledTimer[]> {
  const connection = await context.connections.get(address);
  if (connection === undefined) return [];
  const { timer } = firstLook(connection);
  return [{ timer, dueAtMs: context.clock.nowMs() }];
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

/**
 * Whether the session is offline and ends within one delay of the queue. One that ends later was
 * given a chain by an earlier release; see `endOfflineSession`.
 */
async function isExpiryAwaited(
  context: Context,
  timer: Extract<Timer, { kind: 'session-expiry' }>,
): Promise<boolean> {
  const session = await context.sessions.get(timer);
  if (session?.generation !== timer.generation || session.address !== undefined) return false;
  const { expiresAtMs } = session;
  return expiresAtMs !== undefined && expiresAtMs <= context.clock.nowMs() + timerReachMs;
}
