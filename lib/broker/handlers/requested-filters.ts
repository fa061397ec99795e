import { maySubscribe } from '../../auth/index.ts';
import { metrics } from '../../core/metrics.ts';
import type { Subscription } from '../../core/model.ts';
import { type Refusal, refusal } from '../../core/reasons.ts';
import type { Subscription as Requested, SubscribePacket } from '../../mqtt/index.ts';
import { isTopicError, parseFilter, type TopicError } from '../../topics/index.ts';
import type { Peer } from './handler.ts';

/** One filter of a SUBSCRIBE, judged by itself. */
export type JudgedFilter = AllowedFilter | { readonly refusal: Refusal | TopicError };

export interface AllowedFilter {
  /** The filter as the client wrote it, with its `$share/…` prefix. */
  readonly topic: string;
  readonly subscription: Subscription;
  readonly retainHandling: 0 | 1 | 2;
}

/** A filter of a run of SUBSCRIBE packets, which may name it several times. */
export interface WantedFilter {
  readonly topic: string;
  /** With the options that the run names last. [MQTT-3.8.4-3 v3+v5] */
  readonly subscription: Subscription;
  /** When retained messages are sent; `if-new`: unless the session had the subscription already. */
  readonly retained: 'send' | 'if-new' | 'never';
}

/** Checks the form and the permissions of each filter of a packet. */
export function judgeFilters(peer: Peer, packet: SubscribePacket): JudgedFilter[] {
  const identifier = packet.properties?.subscriptionIdentifier;
  return packet.subscriptions.map((requested) => judge(peer, requested, identifier));
}

function judge(
  { context, connection }: Peer,
  { topic, qos, nl, rap, rh }: Requested,
  subscriptionIdentifier: number | undefined,
): JudgedFilter {
  const parsed = parseFilter(topic);
  if (isTopicError(parsed)) return { refusal: parsed };
  if (!maySubscribe(connection.permissions, parsed.filter, qos, parsed.shareName !== undefined)) {
    context.log.count(metrics.subscriptionsNotAuthorized);
    return { refusal: refusal('subscribe-not-authorized') };
  }
  // Shared subscriptions have no No Local: another member may be the only one.
  const { isBridge } = connection;
  const subscription: Subscription = {
    ...parsed,
    clientId: connection.clientId,
    generation: connection.generation,
    qos,
    noLocal: nl ?? (isBridge && parsed.shareName === undefined),
    retainAsPublished: rap ?? isBridge,
    ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier }),
  };
  return { topic, subscription, retainHandling: rh ?? 0 };
}

/** The distinct filters that are allowed, in the order in which they are first named. */
export function mergeFilters(judged: readonly JudgedFilter[]): WantedFilter[] {
  const wanted = new Map<string, WantedFilter>();
  for (const one of judged) {
    if ('refusal' in one) continue;
    const { topic, subscription } = one;
    const retained = retainedFor(one, wanted.get(topic));
    wanted.set(topic, { topic, subscription, retained });
  }
  return [...wanted.values()];
}

/**
 * Retain Handling; versions before 5.0 always send. Shared subscriptions get no retained messages.
 * A filter that is named again gets them once.
 *
 * [MQTT-3.3.1-6 v3, MQTT-3.3.1-9 v5, MQTT-3.3.1-10 v5, MQTT-3.3.1-11 v5, MQTT-3.8.4-4 v5]
 */
function retainedFor(
  { subscription, retainHandling }: AllowedFilter,
  earlier: WantedFilter | undefined,
): WantedFilter['retained'] {
  if (subscription.shareName !== undefined) return 'never';
  if (retainHandling === 0) return 'send';
  if (earlier !== undefined) return earlier.retained;
  return retainHandling === 1 ? 'if-new' : 'never';
}
