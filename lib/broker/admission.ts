import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Connection, ConnectionAddress } from '../core/model.ts';
import { type Refusal, refusal } from '../core/reasons.ts';
import type { PeerState } from '../core/store-ports/connections.ts';
import type { ClientPacket } from '../mqtt/index.ts';
import { type End, endWith } from '../sessions/outcome.ts';
import { wasRevoked } from '../sessions/revocation.ts';
import {
  type Chunk,
  maxFrameFilters,
  maxFramePackets,
  type PacketsFrame,
  splitPackets,
  type WireError,
} from '../wire/index.ts';

/**
 * Age up to which a process answers PINGREQ by the tenant's row that it has read before, in
 * milliseconds. A ping changes and tells nothing. A tenant that is suspended or revokes tokens has
 * its connections ended by walks, so this delays the end only where a walk has failed.
 */
const pingLiveMaxAgeMs = 30_000;

/**
 * Reads the rows of the connection and of its tenant. Chooses strong or eventual consistency by the
 * packets in the frame. A chunk needs the slots of unfinished packets, which are in the row.
 * A frame of PINGREQ alone reads the tenant's row only where this process knows none of the last
 * {@link pingLiveMaxAgeMs}.
 */
export async function readState(
  context: Context,
  address: ConnectionAddress,
  frame: PacketsFrame | Chunk | WireError,
): Promise<PeerState> {
  const packets = frame.kind === 'packets' ? splitPackets(frame.bytes).packets : [];
  const state = await context.connections.readState(
    address,
    frame.kind === 'chunk' || packets.some(isReliablePublish),
    packets.some(needsLatestRow)
      ? 'latest'
      : frame.kind === 'chunk' || packets.some(isAliasAlone)
        ? 'own'
        : 'any',
    packets.length > 0 && packets.every(isPingreq) ? pingLiveMaxAgeMs : 0,
  );
  const { connection } = state;
  if (connection === undefined || !hasExpired(context, connection)) return state;
  // An AUTH may have renewed the token a moment ago.
  return { ...state, connection: (await context.connections.get(address)) ?? connection };
}

/** Why a frame of this connection is refused: its tenant or its token no longer allows it. */
export async function refusalOf(context: Context, { connection, live }: PeerState): Promise<End | undefined> {
  if (connection === undefined) return undefined;
  const { protocolVersion } = connection;
  if (live?.status !== 'active') return endWith(protocolVersion, refusal('tenant-inactive'));
  if (hasExpired(context, connection)) return endWith(protocolVersion, refusal('token-expired'));
  const isChecked = live.revokedAtMs === undefined || live.revokedAtMs <= (connection.revocationsSeenMs ?? 0);
  if (isChecked || !(await wasRevoked(context, connection, live))) return undefined;
  context.log.count(metrics.connectionsRevoked);
  return endWith(protocolVersion, refusal('token-revoked'));
}

function hasExpired({ clock }: Context, { tokenExpiresAtSeconds }: Connection): boolean {
  return tokenExpiresAtSeconds !== undefined && tokenExpiresAtSeconds * 1000 <= clock.nowMs();
}

function isPingreq(packet: Uint8Array): boolean {
  return (packet[0] ?? 0) >> 4 === 12;
}

/** A PUBLISH at QoS 1 or 2 must reach every client that has had a SUBACK. */
function isReliablePublish(packet: Uint8Array): boolean {
  const first = packet[0] ?? 0;
  return first >> 4 === 3 && (first & 0b0110) !== 0;
}

/**
 * CONNECT, of which a second one is refused, and SUBSCRIBE. What SUBSCRIBE stores outlives the
 * connection, so it must not use permissions that AUTH, or a token that has taken the session over,
 * has taken away.
 */
function needsLatestRow(packet: Uint8Array): boolean {
  const type = (packet[0] ?? 0) >> 4;
  return type === 1 || type === 8;
}

/** A PUBLISH without a topic name. A stale row would send it to the previous topic of its alias. */
function isAliasAlone(packet: Uint8Array): boolean {
  if ((packet[0] ?? 0) >> 4 !== 3) return false;
  // The packet length ends with its first byte below 128; the length of the topic name follows.
  const topicAt = packet.findIndex((byte, index) => index > 0 && byte < 128) + 1;
  return packet[topicAt] === 0 && packet[topicAt + 1] === 0;
}

/** Each AUTH verifies a token, and a client awaits the answer before the next. */
const maxFrameAuths = 1;

/**
 * Why a frame asks for more work than one frame may (docs/wire.md#work-of-a-frame). Nothing of such
 * a frame is handled, and it is counted.
 */
export function frameRefusal({ log }: Context, packets: readonly ClientPacket[]): Refusal | undefined {
  const exceeded = exceededBound(packets);
  if (exceeded === undefined) return undefined;
  log.count(metrics.framesRefused);
  return refusal('frame-too-costly', exceeded);
}

function exceededBound(packets: readonly ClientPacket[]): string | undefined {
  let filters = 0;
  let auths = 0;
  for (const packet of packets) {
    if (packet.cmd === 'subscribe') filters += packet.subscriptions.length;
    else if (packet.cmd === 'unsubscribe') filters += packet.unsubscriptions.length;
    else if (packet.cmd === 'auth') auths += 1;
  }
  if (filters > maxFrameFilters) return `at most ${maxFrameFilters} filters`;
  if (auths > maxFrameAuths) return `at most ${maxFrameAuths} AUTH`;
  return packets.length > maxFramePackets ? `at most ${maxFramePackets} packets` : undefined;
}
