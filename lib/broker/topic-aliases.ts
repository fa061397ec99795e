import type { Context } from '../core/context.ts';
import type { Connection } from '../core/model.ts';
import { type PublishPacket, reasonCodes } from '../mqtt/index.ts';
import { type End, endWith } from '../sessions/outcome.ts';

export interface ResolvedTopics {
  /** The packets with their topics, up to the first whose alias is invalid. */
  readonly packets: readonly PublishPacket[];
  readonly connection: Connection;
  readonly end?: End;
}

/**
 * Puts topics in place of topic aliases (section 3.3.2.3.4 of MQTT 5.0) and keeps new ones with the connection, before
 * anything is acknowledged: a write only when an alias is new or changes its topic. They end with it [MQTT-3.3.2-7 v5]; every
 * one up to the maximum of CONNACK may be used [MQTT-3.3.2-12 v5].
 */
export async function resolveTopics(
  context: Context,
  connection: Connection,
  packets: readonly PublishPacket[],
): Promise<ResolvedTopics> {
  if (
    connection.protocolVersion < 5 ||
    packets.every((packet) => packet.properties?.topicAlias === undefined)
  )
    return { packets, connection };
  const fresh = await withKnownAliases(context, connection, packets);
  const aliases: Record<number, string> = { ...fresh.topicAliases };
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
    connection: { ...fresh, topicAliases: aliases },
    ...(end === undefined ? {} : { end }),
  };
}

/** The connection row was read without consistency: an alias it lacks may have been set a moment ago. */
async function withKnownAliases(
  context: Context,
  connection: Connection,
  packets: readonly PublishPacket[],
): Promise<Connection> {
  const set = new Set(packets.filter((packet) => packet.topic !== '').map((p) => p.properties?.topicAlias));
  const unknown = packets.some(({ topic, properties }) => {
    const alias = properties?.topicAlias;
    return (
      topic === '' && alias !== undefined && !set.has(alias) && connection.topicAliases[alias] === undefined
    );
  });
  return unknown ? ((await context.connections.get(connection.address)) ?? connection) : connection;
}

function aliasError(context: Context, alias: number | undefined, topic: string | undefined): End | undefined {
  // [MQTT-3.3.2-9 v5, MQTT-3.2.2-17 v5]; an alias of 0 [MQTT-3.3.2-8 v5] is refused when the packet is decoded.
  if (alias !== undefined && alias > context.settings.topicAliasMaximum)
    return endWith(5, {
      code: 'topic-alias-invalid',
      message: `a topic alias is at most ${context.settings.topicAliasMaximum}`,
      reasonCode: reasonCodes.topicAliasInvalid.code,
    });
  if (topic === undefined || topic === '')
    return endWith(5, {
      code: 'topic-alias-unknown',
      message: 'a topic name or a known alias is needed',
      reasonCode: reasonCodes.protocolError.code,
    });
  return undefined;
}
