import { maySubscribe } from '../../auth/index.ts';
import type { Context } from '../../core/context.ts';
import { metrics } from '../../core/metrics.ts';
import type { Connection, Subscription, TenantLive } from '../../core/model.ts';
import { narrowed } from '../../core/quotas.ts';
import { type RetainedSent, sendRetained } from '../../delivery/retained.ts';
import {
  type Subscription as Requested,
  reasonCodes,
  type SubscribePacket,
  subackCode,
} from '../../mqtt/index.ts';
import type { Outcome } from '../../sessions/outcome.ts';
import { isTopicError, parseFilter, shapeOf } from '../../topics/index.ts';
import type { Peer, Run } from './handler.ts';
import { tooManyFilters } from './too-many-filters.ts';

interface Granted {
  readonly reasonCode: number;
  readonly subscription?: Subscription;
  readonly sendRetained?: boolean;
  /** Which quota is used up, for the Reason String. */
  readonly reason?: string;
}

/**
 * SUBSCRIBE: each filter is judged by itself and answered in its place, all in one SUBACK of
 * the same packet identifier [MQTT-2.3.1-7 v3, MQTT-2.2.1-6 v5, MQTT-3.8.4-1 v3+v5, MQTT-3.8.4-2 v3+v5, MQTT-3.8.4-4 v3,
 * MQTT-3.8.4-5 v3+v5, MQTT-3.8.4-6 v5, MQTT-3.8.4-7 v5, MQTT-3.9.3-1 v3+v5]. Order of the
 * writes: shape, the session's list, the subscription; then retained messages, then SUBACK. A crash between them
 * leaves a list entry without a subscription (deleted with the session) or a subscription that works unannounced; the
 * client, having had no SUBACK, subscribes again and replaces both [MQTT-3.8.4-3 v5, MQTT-3.8.4-3 v3].
 */
export async function handleSubscribe(
  { context, connection, live }: Peer,
  [packet]: Run<SubscribePacket>,
): Promise<Outcome> {
  const { protocolVersion } = connection;
  const refusal = tooManyFilters(context, connection, packet.subscriptions.length);
  if (refusal !== undefined) return { replies: [], end: refusal };
  // One after the other: a filter that stands twice in a packet ends with the options of the second.
  const near = await filtersNearBound(context, connection, live, packet.subscriptions.length);
  const granted: Granted[] = [];
  for (const requested of packet.subscriptions)
    granted.push(
      await subscribe(context, connection, live, near, requested, packet.properties?.subscriptionIdentifier),
    );
  const wanting = granted.flatMap(({ subscription, sendRetained: wanted }) =>
    subscription !== undefined && wanted === true ? [subscription] : [],
  );
  const retained = await sendRetained(context, connection, wanting);
  const shapes = granted.flatMap(({ subscription }) =>
    subscription === undefined ? [] : [shapeOf(subscription.filter)],
  );
  return {
    live: { ...live, shapes: new Set([...live.shapes, ...shapes]) },
    replies: [
      {
        cmd: 'suback',
        messageId: packet.messageId,
        granted: granted.map(({ reasonCode }) => subackCode(reasonCode, protocolVersion)),
        ...reasonOf(connection, granted, retained),
      },
    ],
  };
}

/**
 * Which quotas are used up, and that retained messages are missing, for 5.0 clients that want to know [MQTT-3.1.2-29 v5]. No reason
 * code says the latter: the subscription is granted.
 */
function reasonOf(
  { protocolVersion, requestProblemInformation }: Connection,
  granted: readonly Granted[],
  { matched, dropped }: RetainedSent,
): { properties?: { reasonString: string } } {
  const quotas = new Set(granted.flatMap(({ reason }) => reason ?? []));
  const reasons = [
    ...(quotas.size === 0 ? [] : [`quotas used up: ${[...quotas].join(', ')}`]),
    ...(dropped === 0 ? [] : [`the queue is full: ${dropped} of ${matched} retained messages dropped`]),
  ];
  if (reasons.length === 0 || protocolVersion < 5 || !requestProblemInformation) return {};
  return { properties: { reasonString: reasons.join('; ') } };
}

async function subscribe(
  context: Context,
  connection: Connection,
  live: TenantLive,
  near: NearBound | undefined,
  requested: Requested,
  subscriptionIdentifier: number | undefined,
): Promise<Granted> {
  const parsed = parseFilter(requested.topic);
  if (isTopicError(parsed)) return { reasonCode: parsed.reasonCode };
  if (!maySubscribe(connection.permissions, parsed.filter, requested.qos)) {
    context.log.count(metrics.subscriptionsNotAuthorized);
    return { reasonCode: reasonCodes.notAuthorized.code };
  }
  const isFull = near !== undefined && near.filters.size >= near.bound && !near.filters.has(requested.topic);
  if (isFull) return { reasonCode: reasonCodes.quotaExceeded.code, reason: 'subscriptionsPerClient' };
  if (!(await haveShape(context, connection, live, parsed.filter)))
    return { reasonCode: reasonCodes.quotaExceeded.code, reason: 'shapes' };
  near?.filters.add(requested.topic);

  const subscription: Subscription = {
    ...parsed,
    clientId: connection.clientId,
    generation: connection.generation,
    qos: requested.qos,
    noLocal: requested.nl ?? false,
    retainAsPublished: requested.rap ?? false,
    ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier }),
  };
  await context.sessionSubscriptions.put(connection, requested.topic, connection.generation, requested.qos);
  const existed = await context.subscriptions.put(connection.tenant, subscription);
  return { reasonCode: requested.qos, subscription, sendRetained: wantsRetained(requested, parsed, existed) };
}

interface NearBound {
  /** Filters of the client, those of this packet included as they are granted. */
  readonly filters: Set<string>;
  readonly bound: number;
}

/** The filters a client has, where it may be near its bound; undefined where the packet surely fits. */
async function filtersNearBound(
  context: Context,
  connection: Connection,
  { quotas }: TenantLive,
  added: number,
): Promise<NearBound | undefined> {
  const { maxSubscriptionsPerClient } = context.settings;
  const { subscriptionsPerClient } = narrowed(quotas, connection.quotas);
  const bound = Math.min(subscriptionsPerClient ?? maxSubscriptionsPerClient, maxSubscriptionsPerClient);
  if ((await context.sessionSubscriptions.count(connection, bound)) + added <= bound) return undefined;
  const listed = await context.sessionSubscriptions.list(connection);
  const current = listed.filter(({ generation }) => generation === connection.generation);
  return { bound, filters: new Set(current.map(({ filter }) => filter)) };
}

/** Adds the filter's shape to the tenant's, if it is new. @returns false when the tenant may have no more. */
async function haveShape(
  context: Context,
  { tenant }: Connection,
  { shapes, quotas }: TenantLive,
  filter: string,
): Promise<boolean> {
  const shape = shapeOf(filter);
  const { maxShapes } = context.settings;
  return (
    shapes.has(shape) ||
    context.tenants.addShape(tenant, shape, Math.min(quotas.shapes ?? maxShapes, maxShapes))
  );
}

/** Retain Handling [MQTT-3.3.1-9 v5, MQTT-3.3.1-10 v5, MQTT-3.3.1-11 v5, MQTT-3.8.4-4 v5]; earlier versions always send [MQTT-3.3.1-6 v3]. Shares never get retained messages. */
function wantsRetained(requested: Requested, parsed: { shareName?: string }, existed: boolean): boolean {
  if (parsed.shareName !== undefined) return false;
  const handling = requested.rh ?? 0;
  return handling === 0 || (handling === 1 && !existed);
}
