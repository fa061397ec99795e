import type { Context } from '../core/context.ts';
import { hasEnded } from '../core/session-rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { Timer } from '../core/timers.ts';
import { messageBytes } from '../core/usage.ts';
import { askForShapeSearch } from './shapes.ts';

export type Recount = Extract<Timer, { kind: 'recount' }>;

/**
 * Minimum time between two recounts of a tenant, in milliseconds: after a refusal, and otherwise.
 */
export const recountAfterMs = { refusal: 600_000, routine: 86_400_000 } as const;

const itemsPerPage = 100;
/** Pages that one timer counts before it schedules the next. */
const pagesPerInvocation = 50;

/** Time after which all processes have written their earlier counts, in milliseconds. */
const settleMs = 15_000;

/**
 * Schedules a recount of the tenant's gauges, unless one started less than `minAgeMs` ago. Gauges
 * drift: DynamoDB's TTL deletes expired retained messages silently, and a crash loses unwritten
 * counts.
 */
export async function askForRecount(context: Context, tenant: TenantId, minAgeMs: number): Promise<void> {
  const atMs = context.clock.nowMs();
  if (!(await context.usage.beginRecount(tenant, minAgeMs))) return;
  const counted = { connections: 0, retainedMessages: 0, retainedBytes: 0 };
  const timer: Recount = { kind: 'recount', tenant, atMs, phase: 'retained', counted };
  await context.timers.schedule(timer, atMs + settleMs);
}

/**
 * Counts retained messages, then sessions held by a connection, some pages per timer, and replaces
 * the gauges by the result. Changes during the recount may be missed or counted twice until the
 * next one. Idempotent: a timer may fire twice.
 *
 * On the way it deletes what ended sessions have left: a session with a long expiry has no timer.
 * At its end it asks for a search for unused shapes.
 */
export async function recountTenant(context: Context, timer: Recount): Promise<void> {
  let state = timer;
  for (let page = 0; page < pagesPerInvocation; page += 1) {
    const next =
      state.phase === 'retained' ? await countRetained(context, state) : await countHeld(context, state);
    if (next === undefined) return;
    state = next;
  }
  await context.timers.schedule(state, context.clock.nowMs());
}

async function countRetained(context: Context, { after, ...state }: Recount): Promise<Recount> {
  const from = after === undefined ? '' : `${after}\0`;
  const { messages, more } = await context.retained.page(state.tenant, '', from, itemsPerPage);
  const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0);
  const { retainedMessages, retainedBytes } = state.counted;
  const counted = {
    ...state.counted,
    retainedMessages: retainedMessages + messages.length,
    retainedBytes: retainedBytes + bytes,
  };
  const last = messages.at(-1)?.topic;
  return more && last !== undefined
    ? { ...state, counted, after: last }
    : { ...state, counted, phase: 'connections' };
}

async function countHeld(context: Context, { after, ...state }: Recount): Promise<Recount | undefined> {
  const { tenant, atMs } = state;
  const { clientIds, more } = await context.tenantData.clientIds(tenant, after, itemsPerPage);
  const sessions = await context.tenantData.sessions(tenant, clientIds);
  const nowMs = context.clock.nowMs();
  for (const session of sessions)
    if (session.swept !== true && hasEnded(session, nowMs))
      await context.sessionEnded(session, session.generation);
  const held = sessions.filter(({ address }) => address !== undefined).length;
  const counted = { ...state.counted, connections: state.counted.connections + held };
  const last = clientIds.at(-1);
  if (more && last !== undefined) return { ...state, counted, after: last };
  await context.usage.finishRecount(tenant, atMs, counted);
  await askForShapeSearch(context, tenant);
  return undefined;
}
