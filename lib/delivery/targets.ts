import type { Message, Qos, Subscription } from '../core/model.ts';

/** What one client is to get of one message. */
export interface Target {
  readonly clientId: string;
  readonly generation: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
}

/**
 * Merges a client's overlapping subscriptions into one delivery with the highest QoS of them and all their
 * identifiers [MQTT-3.3.4-2 v5, MQTT-3.3.4-3 v5, MQTT-3.3.4-4 v5, MQTT-3.3.5-1 v3], never above that of the message [MQTT-3.8.4-6 v3, MQTT-3.8.4-8 v5]. A subscription with No Local takes no part in the
 * client's own messages [MQTT-3.8.3-3 v5]; Retain As Published of any of them keeps the flag [MQTT-3.3.1-13 v5],
 * without it RETAIN is 0 [MQTT-3.3.1-9 v3, MQTT-3.3.1-12 v5]. What comes through a share is a copy of its own, with the QoS
 * and the identifier of the member's subscription [MQTT-3.3.4-5 v5, MQTT-4.8.2-3 v5].
 * Subscriptions of different generations stay apart: which one is alive, its session decides.
 */
export function targetsOf(message: Message, subscriptions: readonly Subscription[]): Target[] {
  const merged = new Map<string, Target>();
  for (const subscription of subscriptions) {
    if (subscription.noLocal && subscription.clientId === message.publisher) continue;
    const key = `${subscription.generation}\0${subscription.clientId}`;
    merged.set(key, merge(message, subscription, merged.get(key)));
  }
  return [...merged.values()];
}

function merge(message: Message, subscription: Subscription, other: Target | undefined): Target {
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

/** The members of one shared subscription: each message goes to one of them. */
export interface Share {
  /** The filter as its members subscribe it: `$share/{name}/{filter}`. */
  readonly id: string;
  readonly name: string;
  readonly filter: string;
  readonly members: readonly Subscription[];
}

/** Tells ordinary subscriptions from shared ones, and groups the latter by name and filter. */
export function splitShares(subscriptions: readonly Subscription[]): {
  ordinary: Subscription[];
  shares: Share[];
} {
  const ordinary: Subscription[] = [];
  const shares = new Map<string, Share & { members: Subscription[] }>();
  for (const subscription of subscriptions) {
    const { shareName: name, filter } = subscription;
    if (name === undefined) {
      ordinary.push(subscription);
      continue;
    }
    const id = `$share/${name}/${filter}`;
    const share = shares.get(id) ?? { id, name, filter, members: [] };
    share.members.push(subscription);
    shares.set(id, share);
  }
  return { ordinary, shares: [...shares.values()] };
}
