import { type PubrecPacket, reasonCodes } from '../../mqtt/index.ts';
import type { Context } from '../context.ts';
import type { Connection } from '../model.ts';
import type { Outcome } from '../outcome.ts';

/**
 * PUBREC without a failure: the client has the message, so its payload leaves the queue, and PUBREL answers
 * [MQTT-4.3.3-3 v5, MQTT-4.3.3-1 v3]. Run again, it answers the same. An unknown identifier gets PUBREL with 0x92 in
 * 5.0, which ends the exchange on both sides.
 */
export async function handlePubrec(
  context: Context,
  connection: Connection,
  { messageId }: PubrecPacket,
): Promise<Outcome> {
  const known = await context.queue.release(connection, messageId);
  const reasonCode = known ? reasonCodes.success.code : reasonCodes.packetIdentifierNotFound.code;
  return {
    replies: [{ cmd: 'pubrel', messageId, ...(connection.protocolVersion === 5 ? { reasonCode } : {}) }],
  };
}
