import { effectiveQuotas } from '../../core/quotas.ts';
import { type Refusal, refusal } from '../../core/reasons.ts';
import { shapeOf } from '../../topics/index.ts';
import type { Peer } from './handler.ts';
import type { WantedFilter } from './requested-filters.ts';

/**
 * Refuses the filters that exceed the client's subscriptions or the tenant's shapes, and adds the
 * shapes of the others to the tenant's row. The filters that are named first are served first.
 *
 * @returns the refusals by filter.
 */
export async function applyQuotas(
  peer: Peer,
  wanted: readonly WantedFilter[],
): Promise<ReadonlyMap<string, Refusal>> {
  const refused = new Map<string, Refusal>();
  if (wanted.length === 0) return refused;
  for (const { topic } of await beyondClientBound(peer, wanted))
    refused.set(topic, refusal('subscriptions-full'));
  const remaining = wanted.filter(({ topic }) => !refused.has(topic));
  const missing = await missingShapes(
    peer,
    remaining.map(({ subscription }) => shapeOf(subscription.filter)),
  );
  for (const { topic, subscription } of remaining)
    if (missing.has(shapeOf(subscription.filter))) refused.set(topic, refusal('shapes-full'));
  return refused;
}

/** The filters for which the client's list has no room. Reads the list only near the bound. */
async function beyondClientBound(
  { context, connection, live }: Peer,
  wanted: readonly WantedFilter[],
): Promise<WantedFilter[]> {
  const { maxSubscriptionsPerClient } = context.settings;
  const { subscriptionsPerClient = maxSubscriptionsPerClient } = effectiveQuotas(
    context.settings,
    live.quotas,
    connection.quotas,
  );
  const bound = Math.min(subscriptionsPerClient, maxSubscriptionsPerClient);
  if ((await context.sessionSubscriptions.count(connection, bound)) + wanted.length <= bound) return [];
  const listed = await context.sessionSubscriptions.list(connection);
  const current = listed.filter(({ generation }) => generation === connection.generation);
  const filters = new Set(current.map(({ filter }) => filter));
  return wanted.filter(({ topic }) => {
    if (filters.has(topic)) return false;
    if (filters.size >= bound) return true;
    filters.add(topic);
    return false;
  });
}

/**
 * Adds shapes to the tenant's. @returns those that the tenant has no room for.
 *
 * Shapes beyond the room are refused without a write: a failed conditional write costs as much as
 * one that succeeds. The row that the frame has read may be stale, so a lack of room is checked
 * with one strongly consistent read.
 */
async function missingShapes(
  { context, connection: { tenant }, live }: Peer,
  shapes: readonly string[],
): Promise<ReadonlySet<string>> {
  const { maxShapes } = context.settings;
  const boundOf = ({ quotas }: Peer['live']) => Math.min(quotas.shapes ?? maxShapes, maxShapes);
  const absentFrom = (known: Peer['live']) =>
    [...new Set(shapes)].filter((shape) => !known.shapes.has(shape));
  let known = live;
  if (absentFrom(known).length > boundOf(known) - known.shapes.size)
    known = (await context.tenants.readLive(tenant, true)) ?? live;
  const absent = absentFrom(known);
  if (absent.length === 0) return new Set();
  const bound = boundOf(known);
  const candidates = absent.slice(0, Math.max(0, bound - known.shapes.size));
  const added =
    candidates.length === 0 ? new Set() : await context.tenants.addShapes(tenant, candidates, bound);
  return new Set(absent.filter((shape) => !added.has(shape)));
}
