import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey } from '../core/model.ts';
import { type Refusal, refusal } from '../core/reasons.ts';
import { mayBeBanned } from '../core/session-rules.ts';
import type { Ban } from '../core/store-ports/bans.ts';
import type { Timer } from '../core/timers.ts';
import { closeConnection } from './close-connection.ts';
import { disconnectClient } from './disconnect-client.ts';
import { endWith } from './outcome.ts';

/**
 * When a banned client is looked at a second time, in milliseconds: a CONNECT that was in progress
 * (a function runs for at most 30 s) may have passed its check before the ban.
 */
const secondLookMs = 35_000;
/** How long a process relies on its count of a tenant's bans, in milliseconds. */
const countMaxAgeMs = 60_000;
/** Tenants whose bans a process has counted. When there are more, all are counted again. */
const maxCounted = 1_000;

const counted = new WeakMap<Context, Map<string, { count: number; readonly atMs: number }>>();

/**
 * Why a client may not connect or publish: it is banned. Ask only where `mayBeBanned` says so.
 *
 * The client identifier alone decides, whatever the token or the session: a clean start, or the end
 * of the session, changes nothing. A client that may choose its identifier evades the ban by
 * another one; name it in the token (`mqtt.clientId`), or revoke the tokens of its subject.
 */
export async function bannedBy(
  context: Context,
  key: ClientKey,
): Promise<Refusal<'client-banned'> | undefined> {
  const ban = await context.bans.get(key);
  return ban && refusalOf(ban);
}

function refusalOf({ untilMs, reason }: Ban): Refusal<'client-banned'> {
  const until = `until ${new Date(untilMs).toISOString()}`;
  return refusal('client-banned', reason === undefined ? until : `${until}: ${reason}`);
}

/**
 * Bans a client and ends its connection. The session stays.
 *
 * Order of the writes: timer, ban. The timer finds a CONNECT that was in progress, and the
 * connection that a crash behind the ban has left. A crash before the ban leaves a timer that finds
 * nothing to do.
 *
 * @returns whether a connection was ended; `full` if the tenant has `maxBans`, `unknown` if there
 *   is no such tenant.
 */
export async function banClient(
  context: Context,
  key: ClientKey,
  ban: Pick<Ban, 'by' | 'reason'> & { readonly seconds: number },
): Promise<{ readonly untilMs: number; readonly disconnected: boolean } | 'full' | 'unknown'> {
  const { seconds, ...how } = ban;
  const atMs = context.clock.nowMs();
  const untilMs = atMs + seconds * 1000;
  if (!(await hasRoom(context, key))) return 'full';
  const stored: Ban = { ...how, clientId: key.clientId, atMs, untilMs };
  const { tenant, clientId } = key;
  const { address } = (await context.sessions.get(key)) ?? {};
  const timer: Timer = { kind: 'ban', tenant, clientId, ...(address === undefined ? {} : { address }) };
  await context.timers.schedule(timer, atMs + secondLookMs);
  if (!(await context.bans.put(tenant, stored))) return 'unknown';
  context.log.count(metrics.clientsBanned);
  context.log.info('client banned', { tenant, clientId, seconds, by: ban.by });
  const disconnected = await disconnectClient(context, key, refusalOf(stored));
  return { untilMs, disconnected };
}

/**
 * Ends the connection of a client that is still banned, and the one that it had when it was banned:
 * a crash may have taken the session from it and left its row, and then its frames are served.
 * Idempotent.
 */
export async function endBanned(context: Context, timer: Extract<Timer, { kind: 'ban' }>): Promise<void> {
  const ban = await context.bans.get(timer);
  if (ban === undefined) return;
  await disconnectClient(context, timer, refusalOf(ban));
  const left = timer.address === undefined ? undefined : await context.connections.get(timer.address);
  if (left === undefined || left.tenant !== timer.tenant || left.clientId !== timer.clientId) return;
  await closeConnection(context, left.address, left, [], endWith(left.protocolVersion, refusalOf(ban)));
}

/**
 * Bans a client that connects too often, where its tenant has the quota `banFlappingSeconds`. Call
 * it for a CONNECT that was refused for its rate; asks for the tenant's row once a minute for each
 * client.
 */
export async function banIfFlapping(context: Context, key: ClientKey): Promise<void> {
  if (!mayAsk(context, key)) return;
  const live = await context.tenants.readLive(key.tenant, false);
  const seconds = live?.quotas.banFlappingSeconds;
  if (live === undefined || seconds === undefined) return;
  if (mayBeBanned(live, context.clock.nowMs()) && (await bannedBy(context, key)) !== undefined) return;
  await banClient(context, key, { by: 'flapping', seconds, reason: 'it connects too often' });
}

/** Clients about which a process has asked. When there are more, all are forgotten. */
const maxAsked = 10_000;
const askAgainMs = 60_000;
const askedAtMs = new WeakMap<Context, Map<string, number>>();

function mayAsk(context: Context, { tenant, clientId }: ClientKey): boolean {
  const asked = askedAtMs.get(context) ?? new Map<string, number>();
  askedAtMs.set(context, asked);
  const nowMs = context.clock.nowMs();
  const name = `${tenant}/${clientId}`;
  if (nowMs - (asked.get(name) ?? Number.NEGATIVE_INFINITY) < askAgainMs) return false;
  if (asked.size >= maxAsked) asked.clear();
  asked.set(name, nowMs);
  return true;
}

/** Counts the rows of a tenant's bans once a minute; the bound is exceeded by as many processes. */
async function hasRoom(context: Context, { tenant }: ClientKey): Promise<boolean> {
  const { maxBans } = context.settings;
  const known = counted.get(context) ?? new Map<string, { count: number; readonly atMs: number }>();
  counted.set(context, known);
  const atMs = context.clock.nowMs();
  let entry = known.get(tenant);
  if (entry === undefined || atMs - entry.atMs >= countMaxAgeMs) {
    if (known.size >= maxCounted) known.clear();
    entry = { count: await context.bans.count(tenant, maxBans), atMs };
    known.set(tenant, entry);
  }
  if (entry.count >= maxBans) return false;
  entry.count += 1;
  return true;
}
