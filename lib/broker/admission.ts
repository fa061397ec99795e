import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Connection, ConnectionAddress } from '../core/model.ts';
import type { PeerState } from '../core/store-ports.ts';
import { reasonCodes } from '../mqtt/index.ts';
import { type End, endWith, type Outcome } from '../sessions/outcome.ts';
import { tokenRevoked, wasRevoked } from '../sessions/revocation.ts';
import { type Chunk, type PacketsFrame, splitPackets, type WireError } from '../wire/index.ts';

/** Reads as consistently as what the frame holds needs it. What a chunk holds is known with the last one only. */
export async function readState(
  context: Context,
  address: ConnectionAddress,
  frame: PacketsFrame | Chunk | WireError,
): Promise<PeerState> {
  const packets = frame.kind === 'packets' ? splitPackets(frame.bytes).packets : [];
  const state = await context.connections.readState(
    address,
    frame.kind === 'chunk' || packets.some(isReliablePublish),
    frame.kind === 'chunk' ? frame.index === frame.count - 1 : packets.some(needsLatestRow),
  );
  const { connection } = state;
  if (connection === undefined || !hasExpired(context, connection)) return state;
  // An AUTH may have renewed the token a moment ago.
  return { ...state, connection: (await context.connections.get(address)) ?? connection };
}

function hasExpired({ clock }: Context, { tokenExpiresAtSeconds }: Connection): boolean {
  return tokenExpiresAtSeconds !== undefined && tokenExpiresAtSeconds * 1000 <= clock.nowMs();
}

/** Refuses what comes from a connection whose tenant or token no longer allows it. */
export async function admitted(
  context: Context,
  { connection, live }: PeerState,
  handle: () => Promise<Outcome> | Outcome,
): Promise<Outcome> {
  if (connection === undefined) return handle();
  const { protocolVersion } = connection;
  if (live?.status !== 'active') {
    const { code } = reasonCodes.administrativeAction;
    return {
      replies: [],
      end: endWith(protocolVersion, code, 'tenant-inactive', 'the tenant is not active'),
    };
  }
  if (hasExpired(context, connection)) return { replies: [], end: tokenExpired(protocolVersion) };
  if (await wasRevoked(context, connection, live)) {
    context.log.count(metrics.connectionsRevoked);
    return { replies: [], end: tokenRevoked(protocolVersion) };
  }
  return handle();
}

/** A connection ends with its token, its Will published. */
export function tokenExpired(protocolVersion: 3 | 4 | 5): End {
  const { code } = reasonCodes.maximumConnectTime;
  return endWith(protocolVersion, code, 'token-expired', 'the token has expired');
}

/** A PUBLISH at QoS 1 or 2 must find everybody who has a SUBACK. */
function isReliablePublish(packet: Uint8Array): boolean {
  const first = packet[0] ?? 0;
  return first >> 4 === 3 && (first & 0b0110) !== 0;
}

/**
 * Packets for which an outdated connection row would do harm: CONNECT, SUBSCRIBE, which must not get what a new token has
 * taken away, and a PUBLISH that names its topic by an alias alone, which would reach the alias's earlier topic.
 */
function needsLatestRow(packet: Uint8Array): boolean {
  const type = (packet[0] ?? 0) >> 4;
  if (type !== 3) return type === 1 || type === 8;
  // The length of the topic name follows that of the packet, whose last byte is below 128.
  const topicAt = packet.findIndex((byte, index) => index > 0 && byte < 128) + 1;
  return packet[topicAt] === 0 && packet[topicAt + 1] === 0;
}
