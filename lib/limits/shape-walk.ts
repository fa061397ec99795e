import { concurrently } from '../core/concurrently.ts';
import type { Context } from '../core/context.ts';
import type { ClientKey } from '../core/model.ts';
import { hasEnded } from '../core/session-rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { Timer } from '../core/timers.ts';
import { isTopicError, parseFilter, shapeOf, undividedShapeOf } from '../topics/index.ts';
import { allRules } from './rules.ts';

export type ShapeSearch = Extract<Timer, { kind: 'shapes' }>;

const clientsPerPage = 100;
/** Queries for the lists of clients that run at the same time. */
const listsAtOnce = 16;

/**
 * Takes the shapes that the next page of clients uses from those unseen. A client costs one Query
 * of its list: 1 read unit for up to about 40 filters. The walk is at its end when it has seen all
 * that it looks for, which is soon where every shape is common.
 */
export async function walkClients(
  context: Context,
  search: ShapeSearch,
): Promise<{ search: ShapeSearch; more: boolean }> {
  const { tenant, after, phase, dollarApart = true } = search;
  const unseen = new Set(search.unseen);
  const dollar = new Set(search.dollar);
  const hasSeenAll = () => unseen.size === 0 && (dollarApart || phase === 'confirm');
  if (hasSeenAll()) return { search, more: false };

  const page = await context.tenantData.clientIds(tenant, after, clientsPerPage);
  await concurrently(page.clientIds, listsAtOnce, async (clientId) => {
    if (hasSeenAll()) return;
    for (const filter of await filtersOf(context, search, clientId, unseen)) {
      unseen.delete(shapeOf(filter));
      if (dollarApart || !filter.startsWith('$')) continue;
      // Until all `$` filters have shapes of their own, publishes find them by these.
      unseen.delete(undividedShapeOf(filter));
      dollar.add(shapeOf(filter));
    }
  });
  const last = page.clientIds.at(-1) ?? after;
  return {
    search: {
      ...search,
      unseen: [...unseen],
      dollar: [...dollar],
      ...(last !== undefined && { after: last }),
    },
    more: page.more && !hasSeenAll(),
  };
}

/**
 * The filters to which a client subscribes, without `$share/name/`. `find` deletes what an ended
 * session has left, where that would keep a shape. `confirm` counts everything that is listed: a
 * subscription that it overlooked would lose its messages.
 */
async function filtersOf(
  context: Context,
  { tenant, phase, dollarApart }: ShapeSearch,
  clientId: string,
  unseen: ReadonlySet<string>,
): Promise<string[]> {
  const key = { tenant, clientId };
  const listed = await listOf(context, key);
  if (phase === 'confirm') return listed.map(({ filter }) => filter);
  const deciding = listed.filter(
    ({ filter }) => unseen.has(shapeOf(filter)) || (dollarApart === false && filter.startsWith('$')),
  );
  if (deciding.length === 0) return [];
  // Read behind the list: a generation that the row does not have now has ended.
  const [session] = await context.tenantData.sessions(tenant, [clientId]);
  const current =
    session === undefined || hasEnded(session, context.clock.nowMs()) ? undefined : session.generation;
  for (const generation of new Set(deciding.map((one) => one.generation)))
    if (generation !== current) await context.sessionEnded(key, generation);
  return listed.filter(({ generation }) => generation === current).map(({ filter }) => filter);
}

/**
 * Subscriptions by shape among the next page of clients, for operators. The first page has the
 * tenant's rules too.
 */
export async function usesOfShapes(
  context: Context,
  tenant: TenantId,
  after: string | undefined,
): Promise<{ uses: Map<string, number>; clients: number; last: string | undefined; more: boolean }> {
  const page = await context.tenantData.clientIds(tenant, after, clientsPerPage);
  const uses = new Map<string, number>();
  const rules = after === undefined ? await allRules(context, tenant) : [];
  for (const { rule } of rules) uses.set(shapeOf(rule.filter), (uses.get(shapeOf(rule.filter)) ?? 0) + 1);
  await concurrently(page.clientIds, listsAtOnce, async (clientId) => {
    for (const { filter } of await listOf(context, { tenant, clientId })) {
      const shape = shapeOf(filter);
      uses.set(shape, (uses.get(shape) ?? 0) + 1);
    }
  });
  return { uses, clients: page.clientIds.length, last: page.clientIds.at(-1), more: page.more };
}

/** The filters in a client's list, of all generations, without `$share/name/`. */
async function listOf(
  context: Context,
  key: ClientKey,
): Promise<{ readonly filter: string; readonly generation: string }[]> {
  return (await context.sessionSubscriptions.list(key)).flatMap(({ filter, generation }) => {
    const parsed = parseFilter(filter);
    return isTopicError(parsed) ? [] : [{ filter: parsed.filter, generation }];
  });
}
