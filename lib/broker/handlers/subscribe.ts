import { maySubscribe } from '../../auth/index.ts';
import { metrics } from '../../core/metrics.ts';
import type { Subscription } from '../../core/model.ts';
import { narrowed } from '../../core/quotas.ts';
import { type Refusal, refusal } from '../../core/reasons.ts';
import { type RetainedSent, sendRetained } from '../../delivery/retained.ts';
import { type Subscription as Requested, type SubscribePacket, subackCode } from '../../mqtt/index.ts';
import type { Outcome } from '../../sessions/outcome.ts';
import { isTopicError, parseFilter, shapeOf, type TopicError } from '../../topics/index.ts';
import { filterLimitExceeded } from './filter-limit.ts';
import type { Peer, Run } from './handler.ts';

/** The answer to one filter. */
type Granted =
  | { readonly subscription: Subscription; readonly wantsRetained: boolean }
  | { readonly refusal: Refusal | TopicError };

/**
 * SUBSCRIBE judges each filter by itself. One SUBACK with the same packet identifier answers all
 * filters, in order.
 *
 * Order of the writes: shape, the session's list, subscription; then retained messages, then
 * SUBACK. A crash between them leaves a list entry without a subscription, which is deleted with
 * the session, or a subscription without SUBACK. The client, having had no SUBACK, subscribes again
 * and replaces both.
 *
 * [MQTT-2.3.1-7 v3, MQTT-2.2.1-6 v5, MQTT-3.8.4-1 v3+v5, MQTT-3.8.4-2 v3+v5, MQTT-3.8.4-3 v3,
 * MQTT-3.8.4-3 v5, MQTT-3.8.4-4 v3, MQTT-3.8.4-5 v3+v5, MQTT-3.8.4-6 v5, MQTT-3.8.4-7 v5,
 * MQTT-3.9.3-1 v3+v5]
 */
export async function handleSubscribe(peer: Peer, [packet]: Run<SubscribePacket>): Promise<Outcome> {
  const { context, connection, live } = peer;
  const end = filterLimitExceeded(peer, packet.subscriptions.length);
  if (end !== undefined) return { replies: [], end };
  const near = await filtersNearBound(peer, packet.subscriptions.length);
  const granted: Granted[] = [];
  // Sequentially: a filter that occurs twice in a packet keeps the options of the second.
  for (const requested of packet.subscriptions)
    granted.push(await subscribe(peer, near, requested, packet.properties?.subscriptionIdentifier));
  const subscribed = granted.flatMap((one) => ('subscription' in one ? [one] : []));
  const retained = await sendRetained(
    context,
    connection,
    subscribed.flatMap(({ subscription, wantsRetained }) => (wantsRetained ? [subscription] : [])),
  );
  const shapes = subscribed.map(({ subscription }) => shapeOf(subscription.filter));
  return {
    live: { ...live, shapes: new Set([...live.shapes, ...shapes]) },
    replies: [
      {
        cmd: 'suback',
        messageId: packet.messageId,
        granted: granted.map((one) =>
          subackCode(
            'refusal' in one ? one.refusal.reasonCode : one.subscription.qos,
            connection.protocolVersion,
          ),
        ),
        ...problemInformation(peer, granted, retained),
      },
    ],
  };
}

/**
 * The Reason String, for 5.0 clients that request problem information: which quotas are exhausted,
 * and that retained messages were dropped. No reason code tells the latter, since the subscription
 * is granted.
 *
 * [MQTT-3.1.2-29 v5]
 */
function problemInformation(
  { connection: { protocolVersion, requestProblemInformation } }: Peer,
  granted: readonly Granted[],
  { matched, dropped }: RetainedSent,
): { properties?: { reasonString: string } } {
  const exhausted = granted.flatMap((one) => {
    if (!('refusal' in one)) return [];
    const { code, message } = one.refusal;
    return code === 'subscriptions-full' || code === 'shapes-full' ? [message] : [];
  });
  const reasons = [
    ...new Set(exhausted),
    ...(dropped === 0 ? [] : [`the queue is full: ${dropped} of ${matched} retained messages dropped`]),
  ];
  if (reasons.length === 0 || protocolVersion < 5 || !requestProblemInformation) return {};
  return { properties: { reasonString: reasons.join('; ') } };
}

async function subscribe(
  { context, connection, live }: Peer,
  near: NearBound | undefined,
  requested: Requested,
  subscriptionIdentifier: number | undefined,
): Promise<Granted> {
  const { topic, qos } = requested;
  const parsed = parseFilter(topic);
  if (isTopicError(parsed)) return { refusal: parsed };
  if (!maySubscribe(connection.permissions, parsed.filter, qos)) {
    context.log.count(metrics.subscriptionsNotAuthorized);
    return { refusal: refusal('subscribe-not-authorized') };
  }
  const isFull = near !== undefined && near.filters.size >= near.bound && !near.filters.has(topic);
  if (isFull) return { refusal: refusal('subscriptions-full') };
  if (!(await addShape({ context, connection, live }, parsed.filter)))
    return { refusal: refusal('shapes-full') };
  near?.filters.add(topic);

  const subscription: Subscription = {
    ...parsed,
    clientId: connection.clientId,
    generation: connection.generation,
    qos,
    noLocal: requested.nl ?? false,
    retainAsPublished: requested.rap ?? false,
    ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier }),
  };
  await context.sessionSubscriptions.put(connection, topic, connection.generation, qos);
  const existed = await context.subscriptions.put(connection.tenant, subscription);
  return { subscription, wantsRetained: wantsRetained(requested, parsed, existed) };
}

interface NearBound {
  /** Filters of the client, including those of this packet that are granted. */
  readonly filters: Set<string>;
  readonly bound: number;
}

/** The client's filters where the packet may exceed the bound; undefined where it cannot. */
async function filtersNearBound(
  { context, connection, live }: Peer,
  addedCount: number,
): Promise<NearBound | undefined> {
  const { maxSubscriptionsPerClient } = context.settings;
  const { subscriptionsPerClient = maxSubscriptionsPerClient } = narrowed(live.quotas, connection.quotas);
  const bound = Math.min(subscriptionsPerClient, maxSubscriptionsPerClient);
  if ((await context.sessionSubscriptions.count(connection, bound)) + addedCount <= bound) return undefined;
  const listed = await context.sessionSubscriptions.list(connection);
  const current = listed.filter(({ generation }) => generation === connection.generation);
  return { bound, filters: new Set(current.map(({ filter }) => filter)) };
}

/**
 * Adds the filter's shape to the tenant's. @returns false when it is new and the tenant may have no
 * more shapes.
 */
async function addShape({ context, connection, live }: Peer, filter: string): Promise<boolean> {
  const shape = shapeOf(filter);
  if (live.shapes.has(shape)) return true;
  const { maxShapes } = context.settings;
  const bound = Math.min(live.quotas.shapes ?? maxShapes, maxShapes);
  return context.tenants.addShape(connection.tenant, shape, bound);
}

/**
 * Retain Handling; versions before 5.0 always send. Shared subscriptions get no retained messages.
 *
 * [MQTT-3.3.1-6 v3, MQTT-3.3.1-9 v5, MQTT-3.3.1-10 v5, MQTT-3.3.1-11 v5, MQTT-3.8.4-4 v5]
 */
function wantsRetained(
  { rh = 0 }: Requested,
  { shareName }: { shareName?: string },
  existed: boolean,
): boolean {
  if (shareName !== undefined) return false;
  return rh === 0 || (rh === 1 && !existed);
}
