import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';
import { type PubrecPacket, type PubrelPacket, reasonCodes } from '../../mqtt/index.ts';
import type { Outcome } from '../../sessions/outcome.ts';

/**
 * A run of PUBREC without a failure: the client has the message, so its payload leaves the queue, by one write for all
 * that share a row, and PUBREL answers [MQTT-4.3.3-4 v5, MQTT-2.2.1-5 v5, MQTT-4.3.3-1 v3]. From now on PUBREL is what is sent again, not
 * PUBLISH, until PUBCOMP [MQTT-4.3.3-3 v5, MQTT-4.3.3-5 v5, MQTT-4.3.3-6 v5]. Run again, it answers the same. An unknown identifier gets PUBREL with 0x92 in
 * 5.0, which ends the exchange on both sides.
 */
export async function handlePubrecs(
  context: Context,
  connection: Connection,
  packets: readonly PubrecPacket[],
): Promise<Outcome> {
  const identifiers = [...new Set(packets.map(({ messageId }) => messageId))];
  const released = await context.queue.release(connection, identifiers);
  const replies = packets.map(({ messageId }): PubrelPacket => {
    const reasonCode = released.has(messageId)
      ? reasonCodes.success.code
      : reasonCodes.packetIdentifierNotFound.code;
    return { cmd: 'pubrel', messageId, ...(connection.protocolVersion === 5 ? { reasonCode } : {}) };
  });
  return { replies };
}
