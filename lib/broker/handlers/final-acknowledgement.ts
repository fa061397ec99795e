import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';
import { drain } from '../../delivery/drain.ts';
import { isFailure, type PubackPacket, type PubcompPacket, type PubrecPacket } from '../../mqtt/index.ts';
import type { Outcome } from '../../sessions/outcome.ts';

/** Packets that end the delivery of a message: PUBACK, PUBCOMP, and PUBREC with a failure [MQTT-4.4.0-2 v5]. */
export type FinalAcknowledgement = PubackPacket | PubcompPacket | PubrecPacket;

export function isFinalAcknowledgement(packet: {
  readonly cmd: string;
  readonly reasonCode?: number | undefined;
}) {
  return (
    packet.cmd === 'puback' ||
    packet.cmd === 'pubcomp' ||
    (packet.cmd === 'pubrec' && isFailure(packet.reasonCode ?? 0))
  );
}

/**
 * A run of final acknowledgements: their entries leave the queue, all in one batch, then the queue is drained if
 * anything waits. Messages that a client refuses are not sent again, nor to anybody else who shares the subscription
 * [MQTT-4.4.0-2 v5, MQTT-4.8.2-6 v5]. Unknown packet identifiers are ignored: an acknowledgement may come twice.
 */
export async function handleFinalAcknowledgements(
  context: Context,
  connection: Connection,
  packets: readonly FinalAcknowledgement[],
): Promise<Outcome> {
  await context.queue.delete(connection, [...new Set(packets.map((packet) => packet.messageId))]);
  await drain(context, connection);
  return { replies: [] };
}
