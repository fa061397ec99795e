import type { Context } from '../broker/context.ts';
import type { Connection, Message, Qos, Route, Subscription } from '../broker/model.ts';
import { matches, nextSeek, scanRange } from '../topics/index.ts';
import { enqueue } from './enqueue.ts';
import { postAtMostOnce } from './post.ts';
import { isExpired } from './publish-packet.ts';

/** Retained messages read at a time, and sent before more are read. */
const pageMessages = 100;

/**
 * Sends the retained messages that match a new subscription, with RETAIN set [MQTT-3.3.1-9 v5, MQTT-3.3.1-8 v3]. The
 * subscription is stored before they are read: a message published meanwhile may come twice but is never missed.
 */
export async function sendRetained(
  context: Context,
  connection: Connection,
  subscription: Subscription,
): Promise<void> {
  for await (const messages of retainedPages(context, connection, subscription.filter)) {
    const nowMs = context.clock.nowMs();
    await send(
      context,
      connection,
      subscription,
      messages.filter((message) => !isExpired(message, nowMs)),
    );
  }
}

/**
 * The retained messages that match a filter, in pages. An exact filter takes one read. A wildcard reads the range under
 * its literal prefix and seeks past branches that cannot match.
 */
async function* retainedPages(
  context: Context,
  { tenant }: Connection,
  filter: string,
): AsyncGenerator<Message[]> {
  if (!filter.includes('+') && !filter.includes('#')) {
    const message = await context.retained.get(tenant, filter);
    if (message !== undefined) yield [message];
    return;
  }
  const { prefix } = scanRange(filter);
  let from: string | undefined = prefix;
  while (from !== undefined) {
    const { messages, more } = await context.retained.page(tenant, prefix, from, pageMessages);
    const matching = messages.filter((message) => matches(filter, message.topic));
    if (matching.length > 0) yield matching;
    const last: Message | undefined = messages.at(-1);
    if (!more || last === undefined) return;
    from = matches(filter, last.topic) ? `${last.topic}\0` : nextSeek(filter, last.topic);
  }
}

async function send(
  context: Context,
  connection: Connection,
  subscription: Subscription,
  messages: readonly Message[],
): Promise<void> {
  const identifier = subscription.subscriptionIdentifier;
  const subscriptionIdentifiers = identifier === undefined ? [] : [identifier];
  const route: Route = connection;
  const deliveries = messages.map((message) => ({
    message,
    qos: Math.min(message.qos, subscription.qos) as Qos,
    retain: true,
    dup: false,
    subscriptionIdentifiers,
  }));
  const atMostOnce = deliveries.filter((delivery) => delivery.qos === 0);
  const queued = deliveries.flatMap(({ qos, ...delivery }) => (qos === 0 ? [] : [{ ...delivery, qos }]));
  if (atMostOnce.length > 0) await postAtMostOnce(context, connection, route, atMostOnce);
  if (queued.length > 0) await enqueue(context, connection, connection.generation, queued);
}
