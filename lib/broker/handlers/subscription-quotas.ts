import { metrics } from '../../core/metrics.ts';
import { effectiveQuotas } from '../../core/quotas.ts';
import { type Refusal, refusal } from '../../core/reasons.ts';
import { shapeOf } from '../../topics/index.ts';
import type { Peer } from './handler.ts';
import { refusedShapes } from './new-shapes.ts';
import type { WantedFilter } from './requested-filters.ts';

/** Codes of refusals that tell a client which quota is exhausted. */
export const quotaRefusals: ReadonlySet<string> = new Set([
  'subscriptions-full',
  'shapes-full',
  'client-shapes-full',
]);

/**
 * Refuses the filters that exceed the client's subscriptions, its shapes or the tenant's shapes,
 * and adds the shapes of the others to the tenant's row. The filters that are named first are
 * served first. Refused filters are counted.
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
  const shapes = await refusedShapes(
    peer,
    remaining.map(({ subscription }) => shapeOf(subscription.filter)),
  );
  for (const { topic, subscription } of remaining) {
    const code = shapes.get(shapeOf(subscription.filter));
    if (code !== undefined) refused.set(topic, refusal(code));
  }
  if (refused.size > 0) peer.context.log.count(metrics.subscriptionsOverQuota, refused.size);
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
