import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';
import { type PubcompPacket, type PubrelPacket, reasonCodes } from '../../mqtt/index.ts';
import type { Outcome } from '../../sessions/outcome.ts';

/**
 * A run of PUBREL, side by side: the packet identifier is free again [MQTT-4.3.3-12 v5], PUBCOMP answers [MQTT-4.3.3-11 v5,
 * MQTT-2.2.1-5 v5, MQTT-4.3.3-2 v3]. The mark goes before the answer; a PUBREL that comes again, or without a PUBLISH, gets PUBCOMP with 0x92 in 5.0.
 */
export async function handlePubrels(
  context: Context,
  connection: Connection,
  packets: readonly PubrelPacket[],
): Promise<Outcome> {
  const first = new Set<number>();
  const replies = packets.map(async ({ messageId }): Promise<PubcompPacket> => {
    const again = first.has(messageId);
    first.add(messageId);
    const known =
      !again && (await context.sessions.deleteReceived(connection, connection.generation, messageId));
    const reasonCode = known ? reasonCodes.success.code : reasonCodes.packetIdentifierNotFound.code;
    return { cmd: 'pubcomp', messageId, ...(connection.protocolVersion === 5 ? { reasonCode } : {}) };
  });
  return { replies: await Promise.all(replies) };
}
