import { concurrently } from '../core/concurrently.ts';
import type { Context } from '../core/context.ts';
import { isEdgeAddress } from '../core/edge-address.ts';
import type { ClientKey, Message, Qos, Route, Subscription } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { UnreadableItemError } from '../core/unreadable-item.ts';
import type { Share } from './audience.ts';
import { noteDropped } from './dropped.ts';
import { enqueue, type Queueable } from './enqueue.ts';
import { type Delivery, postAtMostOnce } from './post.ts';

/** One message for one client, merged from its subscriptions. */
export interface Recipient {
  readonly clientId: string;
  readonly generation: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
}

/** A message for one member of a share. */
export interface SharedDelivery {
  readonly message: Message;
  readonly share: Share;
  /** Members that were tried and whose sessions have ended. */
  readonly failed: readonly string[];
}

/** All messages of a batch for one client, in their order. */
export interface Parcel {
  readonly key: ClientKey;
  readonly generation: string;
  readonly atMostOnce: Delivery[];
  /** QoS 0 messages behind a queued one of the same topic, which they must not overtake. */
  readonly behindQueued: Delivery[];
  readonly queued: Queueable[];
  readonly shared: SharedDelivery[];
}

/** Learns what becomes of parcels. */
export interface Progress {
  /** All messages of the parcel are durable or were sent, or are dropped. */
  sent?(parcel: Parcel): void;
  failed(parcel: Parcel, error: unknown): void;
  /**
   * Divides parcels into those that may wait for each other, and fail together. Default: all may.
   */
  apart?(parcels: readonly Parcel[]): readonly (readonly Parcel[])[];
}

/** Identifies a session in an audience: a client may also have subscriptions of ended sessions. */
export function memberId(member: { readonly clientId: string; readonly generation: string }): string {
  return `${member.generation}\0${member.clientId}`;
}

/**
 * Merges each client's overlapping subscriptions into one delivery: the highest QoS among them,
 * never above the message's, and all their identifiers. Subscriptions with No Local skip the
 * client's own messages. RETAIN is kept if any subscription has Retain As Published, otherwise it
 * is 0.
 *
 * A delivery through a share is a copy of its own, with QoS and identifier of the member's
 * subscription. Subscriptions of different generations are not merged: the session row decides
 * later which of them is alive.
 * [MQTT-3.3.4-2 v5, MQTT-3.3.4-3 v5, MQTT-3.3.4-4 v5, MQTT-3.3.4-5 v5, MQTT-3.3.5-1 v3,
 * MQTT-3.8.4-6 v3, MQTT-3.8.4-8 v5, MQTT-3.8.3-3 v5, MQTT-3.3.1-13 v5, MQTT-3.3.1-9 v3,
 * MQTT-3.3.1-12 v5, MQTT-4.8.2-3 v5]
 */
export function recipientsOf(message: Message, subscriptions: readonly Subscription[]): Recipient[] {
  const merged = new Map<string, Recipient>();
  for (const subscription of subscriptions) {
    if (subscription.noLocal && subscription.clientId === message.publisher) continue;
    const id = memberId(subscription);
    merged.set(id, merge(message, subscription, merged.get(id)));
  }
  return [...merged.values()];
}

function merge(message: Message, subscription: Subscription, other: Recipient | undefined): Recipient {
  const identifier = subscription.subscriptionIdentifier;
  const identifiers = other?.subscriptionIdentifiers ?? [];
  return {
    clientId: subscription.clientId,
    generation: subscription.generation,
    qos: Math.max(other?.qos ?? 0, Math.min(message.qos, subscription.qos)) as Qos,
    retain: (other?.retain ?? false) || (subscription.retainAsPublished && message.retain),
    subscriptionIdentifiers:
      identifier === undefined || identifiers.includes(identifier)
        ? identifiers
        : [...identifiers, identifier],
  };
}

/** Collects a parcel per client, message by message. */
export class Parcels {
  readonly #tenant: TenantId;
  readonly #byClient = new Map<string, Parcel>();

  constructor(tenant: TenantId) {
    this.#tenant = tenant;
  }

  get all(): readonly Parcel[] {
    return [...this.#byClient.values()];
  }

  add(recipient: Recipient, message: Message, shared?: SharedDelivery): void {
    const { clientId, generation, retain, subscriptionIdentifiers, qos } = recipient;
    const id = memberId(recipient);
    let parcel = this.#byClient.get(id);
    if (parcel === undefined) {
      const key = { tenant: this.#tenant, clientId };
      parcel = { key, generation, atMostOnce: [], behindQueued: [], queued: [], shared: [] };
      this.#byClient.set(id, parcel);
    }
    if (qos === 0) {
      const isBehind = parcel.queued.some((queued) => queued.message.topic === message.topic);
      const list = isBehind ? parcel.behindQueued : parcel.atMostOnce;
      list.push({ message, qos, retain, dup: false, subscriptionIdentifiers }); // [MQTT-4.3.1-1 v3+v5]
      return;
    }
    const share = shared === undefined ? {} : { share: shared.share.id };
    parcel.queued.push({ message, qos, retain, subscriptionIdentifiers, ...share });
    if (shared !== undefined) parcel.shared.push(shared);
  }
}

/**
 * Stores each large message of several queues once, while the queue entries are being numbered.
 * Small messages are copied into each queue, because a reference would save nothing.
 */
export function storeLargeOnce(
  context: Context,
  tenant: TenantId,
  parcels: readonly Parcel[],
): readonly Parcel[] {
  const copies = new Map<Message, number>();
  for (const { queued } of parcels)
    for (const { message } of queued) copies.set(message, (copies.get(message) ?? 0) + 1);
  const shared = new Map<Message, Promise<void>>();
  for (const [message, count] of copies) {
    if (count < 2 || !context.messages.isWorthSharing(message)) continue;
    const storing = context.messages.put(tenant, [message], context.settings.sharedMessageSeconds);
    // Queues that need the message await it; if all sessions have ended, nobody does.
    storing.catch(() => undefined);
    shared.set(message, storing);
  }
  return shared.size === 0 ? parcels : parcels.map((parcel) => withShared(parcel, shared));
}

/** The parcel with references instead of copies, where messages are being stored once. */
export function withShared(parcel: Parcel, shared: ReadonlyMap<Message, Promise<void>>): Parcel {
  return {
    ...parcel,
    queued: parcel.queued.map((queueable) => {
      const storing = shared.get(queueable.message);
      return storing === undefined ? queueable : { ...queueable, storedOnce: storing };
    }),
  };
}

/**
 * Delivers to many clients concurrently. QoS 0 is posted along the cached route; QoS 1 and 2 go
 * through the session queue.
 * A session whose row is unreadable is left out, with a log line and a count: reading it again
 * gives the same error, and it must not fail the publishes of others. Its shared messages go on to
 * other members.
 *
 * @param progress learns of each parcel as soon as it is known what became of it. Default: the
 *   first error rejects, after all other parcels have been delivered.
 * @returns the parcels whose session has ended or is unreadable; `progress` does not get them.
 */
export async function sendParcels(
  context: Context,
  tenant: TenantId,
  parcels: readonly Parcel[],
  progress?: Progress,
): Promise<Parcel[]> {
  const ended: Parcel[] = [];
  const unreadable: Parcel[] = [];
  const fail = (parcel: Parcel, error: unknown): void => {
    if (progress === undefined) throw error;
    progress.failed(parcel, error);
  };
  const send = async (parcel: Parcel, route: Route | undefined): Promise<void> => {
    try {
      if ((await sendParcel(context, parcel, route)) === 'ended') ended.push(parcel);
      else progress?.sent?.(parcel);
    } catch (error) {
      if (error instanceof UnreadableItemError) {
        unreadable.push(parcel);
        reportUnreadable(context, parcel, error);
      } else fail(parcel, error);
    }
  };
  const { maxConcurrentPosts, maxConcurrentEdgePosts } = context.settings;
  const { routes, unrouted } = await routesFor(context, tenant, parcels, progress, fail);
  const routed = unrouted.size === 0 ? parcels : parcels.filter((parcel) => !unrouted.has(parcel));
  const [gathered, others] = split(routed, ({ key, queued }) => {
    const route = routes.get(key.clientId);
    return queued.length === 0 && route !== undefined && isEdgeAddress(route.address);
  });
  const sendRouted = (parcel: Parcel): Promise<void> => send(parcel, routes.get(parcel.key.clientId));
  const sendAtMost = (list: readonly Parcel[], limit: number): Promise<void>[] =>
    (list.length <= limit ? [list] : apart(list, progress)).map((part) =>
      concurrently(part, limit, sendRouted),
    );
  const results = await Promise.allSettled([
    ...sendAtMost(others, maxConcurrentPosts),
    ...sendAtMost(gathered, maxConcurrentEdgePosts),
  ]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  const left: Parcel[] = [];
  for (const parcel of ended)
    try {
      // Their rows are still there: a timer was lost, or a subscription came late.
      await context.sessionEnded(parcel.key, parcel.generation);
      left.push(parcel);
    } catch (error) {
      fail(parcel, error);
    }
  return [...left, ...unreadable];
}

/**
 * The routes of parcels with QoS 0 messages. Where reading all of them fails, each part is tried by
 * itself.
 *
 * @returns also the parcels whose routes cannot be read: `fail` has got them.
 */
async function routesFor(
  context: Context,
  tenant: TenantId,
  parcels: readonly Parcel[],
  progress: Progress | undefined,
  fail: Progress['failed'],
): Promise<{ readonly routes: ReadonlyMap<string, Route>; readonly unrouted: ReadonlySet<Parcel> }> {
  const read = (wanted: readonly Parcel[]): Promise<ReadonlyMap<string, Route>> =>
    context.sessions.routes(tenant, [...new Set(wanted.map(({ key }) => key.clientId))]);
  const unrouted = new Set<Parcel>();
  const wanted = parcels.filter(isAtMostOnce);
  if (wanted.length === 0) return { routes: new Map(), unrouted };
  const failAll = (part: readonly Parcel[], error: unknown): void => {
    for (const parcel of part) {
      unrouted.add(parcel);
      fail(parcel, error);
    }
  };
  try {
    return { routes: await read(wanted), unrouted };
  } catch (error) {
    const parts = apart(wanted, progress);
    const routes = new Map<string, Route>();
    if (parts.length === 1) failAll(wanted, error);
    else
      await Promise.all(
        parts.map(async (part) => {
          try {
            for (const [clientId, route] of await read(part)) routes.set(clientId, route);
          } catch (errorOfPart) {
            failAll(part, errorOfPart);
          }
        }),
      );
    return { routes, unrouted };
  }
}

function apart(parcels: readonly Parcel[], progress: Progress | undefined): readonly (readonly Parcel[])[] {
  return progress?.apart?.(parcels) ?? [parcels];
}

/** Whether a parcel has QoS 0 messages, which need a route. */
function isAtMostOnce({ atMostOnce, behindQueued }: Parcel): boolean {
  return atMostOnce.length + behindQueued.length > 0;
}

/** The values for which `belongs` holds, and the others. */
function split<T>(values: readonly T[], belongs: (value: T) => boolean): [T[], T[]] {
  const parts: [T[], T[]] = [[], []];
  for (const value of values) parts[belongs(value) ? 0 : 1].push(value);
  return parts;
}

function reportUnreadable(
  context: Context,
  { key, atMostOnce, behindQueued, queued }: Parcel,
  error: UnreadableItemError,
): void {
  const { tenant, clientId } = key;
  noteDropped(context, key, error.code, [...atMostOnce, ...behindQueued, ...queued]);
  context.log.warn('a session cannot be read: its messages are dropped', {
    tenant,
    clientId,
    error: error.name,
  });
}

async function sendParcel(
  context: Context,
  { key, generation, atMostOnce, behindQueued, queued }: Parcel,
  route: Route | undefined,
): Promise<'sent' | 'ended'> {
  const post = async (deliveries: readonly Delivery[]): Promise<void> => {
    if (deliveries.length === 0) return;
    if (route?.generation === generation) await postAtMostOnce(context, key, route, deliveries);
    // QoS 0 messages are not kept for a client that is offline.
    else if (route === undefined) noteDropped(context, key, 'client-offline', deliveries);
  };
  const [outcome] = await Promise.all([
    queued.length > 0 ? enqueue(context, key, generation, queued) : undefined,
    post(atMostOnce),
  ]);
  if (outcome !== 'ended') await post(behindQueued);
  return outcome === 'ended' ? 'ended' : 'sent';
}
