import { concurrently } from '../../core/concurrently.ts';
import type { Subscription } from '../../core/model.ts';
import type { Refusal } from '../../core/reasons.ts';
import { sendRetained } from '../../delivery/retained.ts';
import { chargePackets } from '../../limits/rates.ts';
import { type SubackPacket, type SubscribePacket, subackCode } from '../../mqtt/index.ts';
import type { Outcome } from '../../sessions/outcome.ts';
import { shapeOf, type TopicError } from '../../topics/index.ts';
import { acceptFilters, noteFilter } from './filter-limit.ts';
import { maxConcurrentWrites, type Peer, type Run } from './handler.ts';
import { type JudgedFilter, judgeFilters, mergeFilters, type WantedFilter } from './requested-filters.ts';
import { applyQuotas, quotaRefusals } from './subscription-quotas.ts';

/**
 * SUBSCRIBE judges each filter by itself and handles the filters of a run together: a filter that
 * occurs several times is stored once, with its last options, and its retained messages are read
 * once. Each packet gets a SUBACK with the same packet identifier and a code for each filter, in
 * order.
 *
 * Order of the writes: shapes, the session's list, subscriptions; then retained messages, then
 * SUBACK. Writes of one kind have no order among them. A crash leaves list entries without a
 * subscription, which are deleted with the session, or subscriptions without SUBACK. The client,
 * having had no SUBACK, subscribes again and replaces both.
 *
 * [MQTT-2.3.1-7 v3, MQTT-2.2.1-6 v5, MQTT-3.8.4-1 v3+v5, MQTT-3.8.4-2 v3+v5, MQTT-3.8.4-3 v3,
 * MQTT-3.8.4-3 v5, MQTT-3.8.4-4 v3, MQTT-3.8.4-5 v3+v5, MQTT-3.8.4-6 v5, MQTT-3.8.4-7 v5,
 * MQTT-3.9.3-1 v3+v5]
 */
export async function handleSubscribe(peer: Peer, run: Run<SubscribePacket>): Promise<Outcome> {
  const { context, connection, live } = peer;
  const { packets, end } = acceptFilters(peer, run, ({ subscriptions }) =>
    subscriptions.map(({ topic }) => topic),
  );
  const judged = packets.map((packet) => ({ packet, filters: judgeFilters(peer, packet) }));
  const wanted = mergeFilters(judged.flatMap(({ filters }) => filters));
  const refused = await applyQuotas(peer, wanted);
  const granted = wanted.filter(({ topic }) => !refused.has(topic));
  const sinceMs = context.clock.nowMs();
  const existed = await storeSubscriptions(peer, granted, sinceMs);
  for (const { topic, subscription } of granted)
    context.traces.note(connection, 'subscribed', { filter: topic, qos: subscription.qos });
  const units = await sendRetained(
    context,
    connection,
    granted
      .filter((one) => one.retained === 'send' || (one.retained === 'if-new' && !existed.has(one.topic)))
      .map(({ subscription: { filter, qos, subscriptionIdentifier } }) => ({
        filter,
        qos,
        sinceMs,
        ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier }),
      })),
  );
  chargePackets(context, connection, live, units);
  const shapes = granted.map(({ subscription }) => shapeOf(subscription.filter));
  const going = new Set([...live.going].filter((shape) => !shapes.includes(shape)));
  return {
    live: { ...live, shapes: new Set([...live.shapes, ...shapes]), going },
    replies: judged.map(({ packet, filters }) => suback(peer, packet, filters, refused)),
    ...(end && { end }),
  };
}

/** @returns the filters of which the session had a subscription, as far as that was asked for. */
async function storeSubscriptions(
  { context, connection }: Peer,
  granted: readonly WantedFilter[],
  sinceMs: number,
): Promise<ReadonlySet<string>> {
  const { tenant, generation } = connection;
  const existed = new Set<string>();
  if (granted.length === 0) return existed;
  const listed = ({ topic, subscription: { qos }, retained }: WantedFilter) => ({
    filter: topic,
    generation,
    qos,
    ...(retained === 'send' || retained === 'if-new' ? { retainedSinceMs: sinceMs } : {}),
  });
  // A batch does not return what it replaces, nor keep from where retained messages wait.
  const renewed = granted.filter(({ retained }) => retained === 'if-new');
  const others = granted.filter(({ retained }) => retained !== 'if-new');
  await Promise.all([
    context.sessionSubscriptions.putMany(connection, others.map(listed)),
    concurrently(renewed, maxConcurrentWrites, (one) =>
      context.sessionSubscriptions.renew(connection, listed(one)),
    ),
  ]);
  await Promise.all([
    context.subscriptions.putMany(tenant, others.map(subscriptionOf)),
    concurrently(renewed, maxConcurrentWrites, async ({ topic, subscription }) => {
      if (await context.subscriptions.put(tenant, subscription)) existed.add(topic);
    }),
  ]);
  return existed;
}

function subscriptionOf({ subscription }: WantedFilter): Subscription {
  return subscription;
}

function suback(
  { context, connection }: Peer,
  { messageId, subscriptions }: SubscribePacket,
  filters: readonly JudgedFilter[],
  refused: ReadonlyMap<string, Refusal>,
): SubackPacket {
  const answers = filters.map((one) =>
    'refusal' in one ? one : { ...one, refusal: refused.get(one.topic) },
  );
  for (const [index, { refusal }] of answers.entries())
    if (refusal !== undefined) noteFilter(context, connection, refusal, subscriptions[index]?.topic);
  const { protocolVersion } = connection;
  return {
    cmd: 'suback',
    messageId,
    granted: answers.map((one) =>
      subackCode(
        'subscription' in one && one.refusal === undefined
          ? one.subscription.qos
          : (one.refusal?.reasonCode ?? 0),
        protocolVersion,
      ),
    ),
    ...problemInformation(
      connection,
      answers.map((one) => one.refusal),
    ),
  };
}

/**
 * The Reason String, for 5.0 clients that request problem information: which quotas are exhausted.
 *
 * [MQTT-3.1.2-29 v5]
 */
function problemInformation(
  { protocolVersion, requestProblemInformation }: Peer['connection'],
  refusals: readonly (Refusal | TopicError | undefined)[],
): { properties?: { reasonString: string } } {
  const exhausted = refusals.flatMap((one) =>
    one !== undefined && quotaRefusals.has(one.code) ? [one.message] : [],
  );
  const reasons = [...new Set(exhausted)];
  if (reasons.length === 0 || protocolVersion < 5 || !requestProblemInformation) return {};
  return { properties: { reasonString: reasons.join('; ') } };
}
