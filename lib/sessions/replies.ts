import type { Context } from '../core/context.ts';
import type { Connection, ConnectionAddress, ProtocolVersion } from '../core/model.ts';
import { chunkId } from '../delivery/post.ts';
import { encodePacketWithin, type ServerPacket } from '../mqtt/index.ts';
import { encodeReply, encodeResponse } from '../wire/index.ts';

/** The route response without packets. */
export const heartbeatReply = encodeReply();

/**
 * Encodes packets of the server within the client's Maximum Packet Size. Reason strings and user
 * properties that do not fit are left out.
 */
export function encodeWithin(
  connection:
    | { readonly protocolVersion?: ProtocolVersion; readonly clientMaxPacketBytes?: number | undefined }
    | undefined,
  packets: readonly ServerPacket[],
): Uint8Array[] {
  const { protocolVersion, clientMaxPacketBytes = Number.POSITIVE_INFINITY } = connection ?? {};
  return packets.flatMap(
    (packet) => encodePacketWithin(packet, protocolVersion ?? versionOf(packet), clientMaxPacketBytes) ?? [],
  );
}

/** A refused CONNECT has no connection: the kind of code in its CONNACK shows the version. */
function versionOf(packet: ServerPacket): 4 | 5 {
  return packet.cmd === 'connack' && packet.returnCode !== undefined ? 4 : 5;
}

/** The text of a route response; packets that do not fit into it follow as pushes. */
export async function encodeReplies(
  context: Context,
  address: ConnectionAddress,
  connection: Connection | undefined,
  replies: readonly ServerPacket[],
): Promise<string> {
  const { reply, pushes } = encodeResponse(encodeWithin(connection, replies), chunkId);
  for (const text of pushes) await context.gateway.post(address, text);
  return reply;
}
