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
 * Replaces topic aliases by topics (section 3.3.2.3.4 of MQTT 5.0). New and changed aliases are
 * stored in the connection row before anything is acknowledged. They end with the connection. Every
 * alias up to the Topic Alias Maximum of CONNACK is accepted.
 *
 * [MQTT-3.3.2-7 v5, MQTT-3.3.2-12 v5]
 */
export async function resolveTopics(
  context: Context,
  connection: Connection,
  packets: readonly PublishPacket[],
): Promise<ResolvedTopics> {
  const latest = await withKnownAliases(context, connection, packets);
  const aliases: Record<number, string> = { ...latest.topicAliases };
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
  if (Object.keys(changed).length > 0) await context.connections.addTopicAliases(connection.address, changed);
  return {
    packets: resolved,
    connection: { ...latest, topicAliases: aliases },
    ...(end === undefined ? {} : { end }),
  };
}

/**
 * The connection row may be a stale read: an alias that is missing in it is looked up consistently.
 */
async function withKnownAliases(
  context: Context,
  connection: Connection,
  packets: readonly PublishPacket[],
): Promise<Connection> {
  const set = new Set(packets.filter(({ topic }) => topic !== '').map((p) => p.properties?.topicAlias));
  const isUnknown = packets.some(({ topic, properties }) => {
    const alias = properties?.topicAlias;
    return (
      topic === '' && alias !== undefined && !set.has(alias) && connection.topicAliases[alias] === undefined
    );
  });
  return isUnknown ? ((await context.connections.get(connection.address)) ?? connection) : connection;
}

/** Decoding has refused an alias of 0 already [MQTT-3.3.2-8 v5]. */
function aliasError(
  { settings: { topicAliasMaximum } }: Context,
  alias: number | undefined,
  topic: string | undefined,
): End | undefined {
  if (alias !== undefined && alias > topicAliasMaximum)
    return endWith(5, refusal('topic-alias-invalid', `at most ${topicAliasMaximum}`)); // [MQTT-3.3.2-9 v5, MQTT-3.2.2-17 v5]
  if (topic === undefined || topic === '') return endWith(5, refusal('topic-alias-unknown'));
  return undefined;
}
