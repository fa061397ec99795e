import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { TenantLive } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { timerReachMs } from '../core/timers.ts';
import { shapeOf } from '../topics/index.ts';
import { shapesOfRules } from './rules.ts';
import { type ShapeSearch, walkClients } from './shape-walk.ts';

/**
 * Minimum time between two searches of a tenant, in milliseconds: when a SUBSCRIBE finds no room
 * for a shape (`full`), and otherwise. The first bounds what refused clients can cost.
 */
const searchAfterMs = { full: 60_000, routine: 86_400_000 } as const;

/** Pages that one timer walks before it schedules the next: about 2 of its 30 seconds. */
const pagesPerInvocation = 20;

/** Whether a subscription of this shape may be stored as the tenant's row is. */
export function hasShape(live: TenantLive, shape: string): boolean {
  return live.shapes.has(shape) && !live.going.has(shape);
}

/** Shapes that count towards the quota. */
export function countedShapes({ shapes, going }: TenantLive): number {
  return shapes.size - going.size;
}

/** Searches for unused shapes in a while, unless a search was asked for less than a day ago. */
export async function askForShapeSearch(context: Context, tenant: TenantId): Promise<void> {
  if (!(await context.tenants.beginShapeSearch(tenant, 'routine', searchAfterMs.routine))) return;
  await context.timers.schedule(newSearch(tenant), context.clock.nowMs() + timerReachMs);
}

/**
 * Searches for unused shapes because a SUBSCRIBE finds no room, unless one did so less than a
 * minute ago. Walks one page of clients at once; a timer walks all of them if there are more.
 * @returns whether shapes go now, so that there is room.
 */
export async function makeRoomForShapes(context: Context, tenant: TenantId): Promise<boolean> {
  if (!(await context.tenants.beginShapeSearch(tenant, 'full', searchAfterMs.full))) return false;
  const { search, more } = await walkPages(context, newSearch(tenant), 1);
  if (more) await context.timers.schedule(search, context.clock.nowMs());
  return !more && (await endFind(context, search)) > 0;
}

/**
 * Walks some pages of clients, and acts on what the walk has found once it is at its end. Two walks
 * remove the shapes that no subscription has:
 *
 * 1. `find` walks until it has seen every shape in use, and makes the others go: they no longer
 *    count towards the quota, SUBSCRIBE adds them again before it stores a subscription, and
 *    publishes are matched with them as before.
 * 2. `confirm` begins `tenantSettleSeconds` later and looks for the shapes that go. Those that it
 *    finds come back; the others are removed.
 *
 * From its read of the tenant's row to its last write a SUBSCRIBE takes less than the 30 s of a
 * function. The rest of `tenantSettleSeconds` (5 s) is for that read and for the index of clients,
 * which are eventually consistent. So one that read the row before the shape was made to go has
 * stored its subscription when the second walk begins, and the walk sees it. One that read the row
 * later has added the shape again, and taking a mark away does not take away what was added.
 *
 * The marks of each call have a name of their own, so a timer that arrives twice, or late, removes
 * only what its own walk has confirmed. A crash between the steps leaves shapes that go: publishes
 * still match them, and the next search decides about them.
 */
export async function searchShapes(context: Context, timer: ShapeSearch): Promise<void> {
  const { search, more } = await walkPages(context, timer, pagesPerInvocation);
  if (more) await context.timers.schedule(search, context.clock.nowMs());
  else if (search.phase === 'find') await endFind(context, search);
  else await endConfirm(context, search);
}

function newSearch(tenant: TenantId): ShapeSearch {
  return { kind: 'shapes', phase: 'find', tenant, dollar: [], marks: [] };
}

async function walkPages(
  context: Context,
  timer: ShapeSearch,
  pages: number,
): Promise<{ search: ShapeSearch; more: boolean }> {
  let search = timer;
  if (search.unseen === undefined) {
    const stored = await context.tenants.readShapes(search.tenant);
    if (stored === undefined) return { search: { ...search, unseen: [], dollarApart: true }, more: false };
    search = { ...search, unseen: [...stored.shapes], dollarApart: stored.dollarApart };
  }
  let more = true;
  for (let page = 0; more && page < pages; page += 1) ({ search, more } = await walkClients(context, search));
  return { search, more };
}

/** @returns the number of shapes that go now. */
async function endFind(context: Context, search: ShapeSearch): Promise<number> {
  const { tenant, dollar, dollarApart = true } = search;
  const unused = await withoutOtherUses(context, tenant, search.unseen ?? []);
  // From now on publishes to `$` topics are matched with the shapes of `$` filters only.
  if (!dollarApart) await context.tenants.settleGoing(tenant, dollar, [], true);
  return (await removeShapes(context, tenant, unused, dollarApart)).length;
}

/**
 * Makes those of `unused` go that the tenant has, and schedules the walk that decides about them
 * and about what an interrupted search has left. As many shapes may go at once as a tenant may
 * have, because a publish is matched with all of them.
 *
 * @param unused shapes that seem to be unused: the walk brings back those that are not.
 * @returns the shapes that go now.
 */
export async function removeShapes(
  context: Context,
  tenant: TenantId,
  unused: readonly string[],
  dollarApart: boolean,
): Promise<string[]> {
  const stored = await context.tenants.readShapes(tenant);
  if (stored === undefined) return [];
  const left = [...new Set(stored.going.map(({ shape }) => shape))];
  const room = Math.max(0, context.settings.maxShapes - left.length);
  const shapes = [...left, ...unused.filter((shape) => stored.shapes.has(shape)).slice(0, room)];
  if (shapes.length === 0) return [];
  const mark = context.ids.unique();
  await context.tenants.markGoing(tenant, shapes, mark);
  const marks = [...shapes.map((shape) => ({ mark, shape })), ...stored.going];
  const confirm: ShapeSearch = {
    kind: 'shapes',
    phase: 'confirm',
    tenant,
    unseen: shapes,
    dollar: [],
    marks,
    dollarApart,
  };
  const settledAtMs = context.clock.nowMs() + context.settings.tenantSettleSeconds * 1000;
  await context.timers.schedule(confirm, settledAtMs);
  return shapes;
}

async function endConfirm(context: Context, search: ShapeSearch): Promise<void> {
  const { tenant, marks, unseen = [] } = search;
  const unused = new Set(await withoutOtherUses(context, tenant, unseen));
  const used = new Set(marks.map(({ shape }) => shape).filter((shape) => !unused.has(shape)));
  await context.tenants.settleGoing(tenant, [...used], marks, false);
  context.log.count(metrics.shapesRemoved, unused.size);
}

/** Those of `shapes` that neither rules nor topics of the fan-out queue need. */
async function withoutOtherUses(
  context: Context,
  tenant: TenantId,
  shapes: readonly string[],
): Promise<readonly string[]> {
  if (shapes.length === 0) return shapes;
  const used = await shapesOfRules(context, tenant);
  return withoutQueuedTopics(
    context,
    tenant,
    shapes.filter((shape) => !used.has(shape)),
  );
}

/**
 * Those of `shapes` that are not needed for topics whose messages go through the fan-out queue: the
 * shape of such a topic leads publishers to its mark (lib/delivery/fan-out.ts).
 */
async function withoutQueuedTopics(
  context: Context,
  tenant: TenantId,
  shapes: readonly string[],
): Promise<readonly string[]> {
  if (!shapes.some((shape) => !/[+#]/.test(shape))) return shapes;
  const topics = await context.messages.queuedTopics(tenant);
  const needed = new Set(topics.map(shapeOf));
  return shapes.filter((shape) => !needed.has(shape));
}
