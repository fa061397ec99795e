import type { Context } from '../core/context.ts';
import type { Connection, ConnectionAddress, ProtocolVersion } from '../core/model.ts';
import { chunkId } from '../delivery/post.ts';
import { encodePacketWithin, type ServerPacket } from '../mqtt/index.ts';
import { encodeReply, encodeResponse } from '../wire/index.ts';

/** The route response without packets. */
export const heartbeatReply = encodeReply();

/**
 * Packets of the server as bytes, each within the client's Maximum Packet Size and without reason strings where the
 * client wants none [MQTT-3.1.2-29 v5].
 */
export function encodePackets(
  connection:
    | { readonly protocolVersion?: ProtocolVersion; readonly clientMaxPacketBytes?: number | undefined }
    | undefined,
  packets: readonly ServerPacket[],
): Uint8Array[] {
  const version = connection?.protocolVersion;
  return packets.flatMap(
    (packet) =>
      encodePacketWithin(
        packet,
        version ?? versionOf(packet),
        connection?.clientMaxPacketBytes ?? Number.POSITIVE_INFINITY,
      ) ?? [],
  );
}

/** A refused CONNECT has no connection: its CONNACK shows the version by the code it carries. */
function versionOf(packet: ServerPacket): 4 | 5 {
  return packet.cmd === 'connack' && packet.returnCode !== undefined ? 4 : 5;
}

/** The text of a route response; what does not fit follows as pushes. */
export async function encodeReplies(
  context: Context,
  address: ConnectionAddress,
  connection: Connection | undefined,
  replies: readonly ServerPacket[],
): Promise<string> {
  if (replies.length === 0) return heartbeatReply;
  const { reply, pushes } = encodeResponse(encodePackets(connection, replies), chunkId);
  for (const text of pushes) await context.gateway.post(address, text);
  return reply;
}
