import type { Context } from '../core/context.ts';
import type { Connection } from '../core/model.ts';
import { refusal } from '../core/reasons.ts';
import type { PublishPacket } from '../mqtt/index.ts';
import { type End, endWith } from '../sessions/outcome.ts';

export interface ResolvedTopics {
  /** The packets with their topics, up to the first one with an invalid alias. */
  readonly packets: readonly PublishPacket[];
  readonly connection: Connection;
  readonly end?: End;
}

/**
 * Bytes of topics that the connection's row holds for aliases. Every frame reads that row and every
 * new alias writes it again: 32 aliases of 1,000 bytes would make it 34 units.
 */
const maxRowAliasBytes = 1_024;

/**
 * Replaces topic aliases by topics (section 3.3.2.3.4 of MQTT 5.0). New and changed aliases are
 * stored before anything is acknowledged. They end with the connection. Every alias up to the Topic
 * Alias Maximum of CONNACK is accepted.
 *
 * Aliases are kept in the connection's row, which is read anyway, while their topics fit into
 * {@link maxRowAliasBytes}. The others have rows of their own, which cost a read where a packet
 * uses one. The row of its own is written first: after a crash the alias still stands for its
 * earlier topic, and the client has had no reply.
 *
 * [MQTT-3.3.2-7 v5, MQTT-3.3.2-12 v5]
 */
export async function resolveTopics(
  context: Context,
  connection: Connection,
  packets: readonly PublishPacket[],
): Promise<ResolvedTopics> {
  const aliases = { ...(await readSpilled(context, connection, packets)), ...connection.topicAliases };
  const changed: Record<number, string> = {};
  const resolved: PublishPacket[] = [];
  let end: End | undefined;
  for (const packet of packets) {
    const alias = packet.properties?.topicAlias;
    const topic = packet.topic === '' && alias !== undefined ? aliases[alias] : packet.topic;
    end = aliasError(context, alias, topic);
    if (end !== undefined || topic === undefined) break;
    if (alias !== undefined && aliases[alias] !== topic) {
      aliases[alias] = topic;
      changed[alias] = topic;
    }
    resolved.push(topic === packet.topic ? packet : { ...packet, topic });
  }
  const topicAliases = await storeAliases(context, connection, changed);
  return {
    packets: resolved,
    connection: { ...connection, topicAliases },
    ...(end === undefined ? {} : { end }),
  };
}

/**
 * The aliases that packets without a topic use and that the connection's row does not have. A frame
 * with such a packet has read that row consistently (lib/broker/admission.ts).
 */
async function readSpilled(
  context: Context,
  { address, topicAliases }: Connection,
  packets: readonly PublishPacket[],
): Promise<Readonly<Record<number, string>>> {
  const missing = new Set<number>();
  const set = new Set<number>();
  for (const { topic, properties } of packets) {
    const alias = properties?.topicAlias;
    if (alias === undefined) continue;
    if (topic !== '') set.add(alias);
    else if (!set.has(alias) && topicAliases[alias] === undefined && isAllowed(context, alias))
      missing.add(alias);
  }
  return missing.size === 0 ? {} : context.topicAliases.read(address, [...missing]);
}

/** @returns the aliases in the connection's row. */
async function storeAliases(
  context: Context,
  { address, topicAliases }: Connection,
  changed: Readonly<Record<number, string>>,
): Promise<Readonly<Record<number, string>>> {
  const inRow = new Map(Object.entries(topicAliases).map(([alias, topic]) => [Number(alias), topic]));
  const added: Record<number, string> = {};
  const removed: number[] = [];
  const spilled: Record<number, string> = {};
  for (const [name, topic] of Object.entries(changed)) {
    const alias = Number(name);
    const wasInRow = inRow.delete(alias);
    if (bytesOf([...inRow.values(), topic]) <= maxRowAliasBytes) {
      inRow.set(alias, topic);
      added[alias] = topic;
    } else {
      spilled[alias] = topic;
      if (wasInRow) removed.push(alias);
    }
  }
  if (Object.keys(spilled).length > 0) await context.topicAliases.put(address, spilled);
  if (Object.keys(added).length + removed.length > 0)
    await context.connections.addTopicAliases(address, added, removed);
  return Object.fromEntries(inRow);
}

function bytesOf(topics: readonly string[]): number {
  return topics.reduce((sum, topic) => sum + Buffer.byteLength(topic), 0);
}

function isAllowed({ settings }: Context, alias: number): boolean {
  return alias <= settings.topicAliasMaximum;
}

/** Decoding has refused an alias of 0 already [MQTT-3.3.2-8 v5]. */
function aliasError(context: Context, alias: number | undefined, topic: string | undefined): End | undefined {
  if (alias !== undefined && !isAllowed(context, alias))
    return endWith(5, refusal('topic-alias-invalid', `at most ${context.settings.topicAliasMaximum}`)); // [MQTT-3.3.2-9 v5, MQTT-3.2.2-17 v5]
  if (topic === undefined || topic === '') return endWith(5, refusal('topic-alias-unknown'));
  return undefined;
}
