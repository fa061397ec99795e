import type { Context } from '../broker/context.ts';
import type { ClientKey, ConnectionAddress, QueueEntry, Route } from '../broker/model.ts';
import { packetIdentifierOf } from '../broker/packet-identifier.ts';
import { encodePacket } from '../mqtt/index.ts';
import { encodeMessages } from '../wire/index.ts';
import { post } from './post.ts';
import { chunkId } from './texts.ts';

/**
 * Of QoS 2 entries, those that own their message: a publisher's second try of the same message may have queued it
 * twice, and only the entry that asks first is ever sent. The others are deleted. The first entry asks before the others,
 * so of two handlers with the same messages one gets all of them.
 *
 * Where the owner is an entry that another handler was to push to this very connection and that is unacknowledged, nobody
 * knows whether it was sent: that handler may have died. Then nothing more may be sent here, or it would overtake.
 * @returns undefined in that case: the connection is to be ended, and the next one gets everything in order.
 */
export async function ownedOnly(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
  entries: readonly QueueEntry[],
): Promise<QueueEntry[] | undefined> {
  const owned: QueueEntry[] = [];
  for (const group of [entries.slice(0, 1), entries.slice(1)]) {
    const owners = await Promise.all(group.map((entry) => owner(context, key, entry)));
    owned.push(...group.filter((entry, index) => owners[index] === entry.sequence));
    const copies = group.filter((entry, index) => owners[index] !== entry.sequence);
    if (copies.length === 0) continue;
    await deleteEntries(context, key, copies);
    const others = await Promise.all(
      owners
        .filter((sequence, index) => sequence !== group[index]?.sequence)
        .map((sequence) => context.queue.get(key, packetIdentifierOf(sequence))),
    );
    if (others.some((other) => other?.pushedTo === address && !other.released)) return undefined;
  }
  return owned;
}

/**
 * The sequence that owns the message of an entry. What comes through a shared subscription is another delivery than what
 * the same client gets by a subscription of its own (section 4.8.2 of MQTT 5.0).
 */
async function owner(context: Context, key: ClientKey, entry: QueueEntry): Promise<number> {
  const { generation, message, share, sequence, qos, released } = entry;
  if (qos === 1 || released) return sequence;
  return context.queue.own(
    key,
    generation,
    share === undefined ? message.id : `${message.id}#${share}`,
    sequence,
  );
}

/** Ends a connection of which nobody knows what it has got: its client resumes, and is sent all it has not confirmed. */
export async function endConnection(
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
 * Sends claimed entries: PUBLISH, or PUBREL for those the client has confirmed with PUBREC [MQTT-4.4.0-1 v3+v5],
 * in their order [MQTT-4.6.0-4 v3].
 * What is too large for the client counts as delivered [MQTT-3.1.2-25 v5]: its entry goes.
 *
 * A connection that is gone or cannot be reached is ended: entries wait for the session to resume. MQTT has no other
 * way to send a message again [MQTT-4.4.0-1 v5].
 * @param resent packet identifiers that go with DUP; DUP of the incoming packet plays no part [MQTT-3.3.1-1 v3+v5,
 * MQTT-3.3.1-3 v3+v5].
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
