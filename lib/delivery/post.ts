import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey, Route } from '../core/model.ts';
import type { Delivery } from './publish-packet.ts';
import { textsFor } from './texts.ts';

export interface PostResult {
  readonly outcome: 'sent' | 'gone' | 'failed';
  readonly tooLarge: readonly Delivery[];
}

/** Posts deliveries to one connection, in order, one post under way at a time; stops at the first that fails. */
export async function post(
  context: Context,
  key: ClientKey,
  route: Route,
  deliveries: readonly Delivery[],
): Promise<PostResult> {
  const { texts, tooLarge } = textsFor(deliveries, route, context.clock.nowMs());
  if (tooLarge.length > 0) context.log.count(metrics.messagesDroppedTooLarge, tooLarge.length);
  for (const text of texts) {
    const outcome = await context.gateway.post(route.address, text);
    if (outcome === 'sent') continue;
    context.log.count(outcome === 'gone' ? metrics.postsGone : metrics.postsFailed);
    return { outcome, tooLarge };
  }
  context.log.count(metrics.messagesDelivered, deliveries.length - tooLarge.length);
  context.usage.count(key.tenant, {
    messagesOut: deliveries.length - tooLarge.length,
    bytesOut: texts.reduce((sum, text) => sum + text.length, 0),
  });
  return { outcome: 'sent', tooLarge };
}

/**
 * Posts QoS 0 deliveries. A route may be some seconds old: if its connection is gone, the session is asked and a new
 * connection tried, once. What fails then is lost, as QoS 0 allows.
 */
export async function postAtMostOnce(
  context: Context,
  key: ClientKey,
  route: Route,
  deliveries: readonly Delivery[],
): Promise<void> {
  const { outcome } = await post(context, key, route, deliveries);
  if (outcome !== 'gone') return;
  context.sessions.forgetRoute(key);
  const session = await context.sessions.get(key);
  if (session?.address === undefined || session.generation !== route.generation) return;
  if (session.address === route.address) {
    await context.connectionLost(key, route.address);
    return;
  }
  const retried = await post(context, key, { ...session, address: session.address }, deliveries);
  if (retried.outcome === 'gone') await context.connectionLost(key, session.address);
}
