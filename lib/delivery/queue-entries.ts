import type { Context } from '../core/context.ts';
import type { ClientKey, ConnectionAddress, QueueEntry, Route } from '../core/model.ts';
import { packetIdentifierOf } from '../core/session-rules.ts';
import { encodePacket } from '../mqtt/index.ts';
import { encodeMessages } from '../wire/index.ts';
import { chunkId, post } from './post.ts';

/**
 * Filters QoS 2 entries: a publisher that repeats a message may have queued it twice, and only the
 * entry that asks first owns the message and is sent. Copies are deleted. The first entry asks
 * before the others, so of two handlers with the same messages one gets all of them.
 *
 * If the owner is an unacknowledged entry that another handler was to push to the same connection,
 * nobody knows whether it was sent, because that handler may have died. Anything sent now could
 * overtake it.
 * @returns undefined in that case: end the connection, and the next one receives everything in
 *   order.
 */
export async function ownedOnly(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
  entries: readonly QueueEntry[],
): Promise<QueueEntry[] | undefined> {
  const owned: QueueEntry[] = [];
  for (const group of [entries.slice(0, 1), entries.slice(1)]) {
    const owners = await ownersOf(context, key, group);
    const copies = group.filter((entry) => owners.get(entry) !== entry.sequence);
    owned.push(...group.filter((entry) => !copies.includes(entry)));
    if (copies.length === 0) continue;
    await deleteEntries(context, key, copies);
    const others = await Promise.all(
      copies.map((copy) => context.queue.get(key, packetIdentifierOf(owners.get(copy) ?? 0))),
    );
    if (others.some((other) => other?.pushedTo === address && !other.released)) return undefined;
  }
  return owned;
}

/** The oldest entry of each message asks; the other entries take its answer. */
async function ownersOf(
  context: Context,
  key: ClientKey,
  entries: readonly QueueEntry[],
): Promise<Map<QueueEntry, number>> {
  const asked = new Map<string, Promise<number>>();
  const owners = entries.map(async (entry) => {
    if (entry.qos === 1 || entry.released) return [entry, entry.sequence] as const;
    // A delivery through a shared subscription differs from one by the client's own subscription.
    const { message, share } = entry;
    const name = share === undefined ? message.id : `${message.id}#${share}`;
    const answer = asked.get(name) ?? context.queue.own(key, entry.generation, name, entry.sequence);
    asked.set(name, answer);
    return [entry, await answer] as const;
  });
  return new Map(await Promise.all(owners));
}

/**
 * Ends a connection when nobody knows what it has received. The client resumes its session and gets
 * everything unacknowledged again.
 */
export async function forceReconnect(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
): Promise<void> {
  await context.gateway.close(address);
  await context.connectionLost(key, address);
}

export async function deleteEntries(
  context: Context,
  key: ClientKey,
  entries: readonly { readonly packetIdentifier?: number }[],
): Promise<void> {
  const identifiers = entries.flatMap((entry) => entry.packetIdentifier ?? []);
  if (identifiers.length > 0) await context.queue.delete(key, identifiers);
}

/**
 * Sends claimed entries in their order: PUBLISH, or PUBREL for those the client has confirmed with
 * PUBREC. A message too large for the client counts as delivered, and its entry is deleted.
 *
 * A connection that is gone or unreachable is ended, and the entries wait until the session
 * resumes: MQTT does not allow a retransmission on the same connection.
 * [MQTT-4.4.0-1 v3+v5, MQTT-4.6.0-4 v3, MQTT-3.1.2-25 v5, MQTT-3.3.1-1 v3+v5,
 * MQTT-3.3.1-3 v3+v5]
 *
 * @param resent packet identifiers to send with DUP. DUP of the incoming packet does not matter.
 */
export async function pushEntries(
  context: Context,
  key: ClientKey,
  route: Route,
  entries: readonly QueueEntry[],
  resent: ReadonlySet<number>,
): Promise<void> {
  const released = entries.filter((entry) => entry.released);
  const deliveries = entries
    .filter((entry) => !entry.released)
    .map((entry) => ({ ...entry, dup: resent.has(entry.packetIdentifier) }));

  let outcome = await postReleases(context, route, released);
  if (outcome === 'sent' && deliveries.length > 0) {
    const result = await post(context, key, route, deliveries);
    outcome = result.outcome;
    await deleteEntries(context, key, result.tooLarge);
  }
  if (outcome === 'sent') return;
  if (outcome === 'failed') await context.gateway.close(route.address);
  await context.connectionLost(key, route.address);
}

async function postReleases(
  context: Context,
  route: Route,
  released: readonly QueueEntry[],
): Promise<'sent' | 'gone' | 'failed'> {
  const packets = released.map((entry) =>
    encodePacket({ cmd: 'pubrel', messageId: entry.packetIdentifier }, route.protocolVersion),
  );
  for (const text of encodeMessages(packets, chunkId)) {
    const outcome = await context.gateway.post(route.address, text);
    if (outcome !== 'sent') return outcome;
  }
  return 'sent';
}
