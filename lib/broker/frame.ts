import type { Context } from '../core/context.ts';
import type { Connection, ConnectionAddress } from '../core/model.ts';
import { narrowed } from '../core/quotas.ts';
import { maxPacketBytesOf } from '../core/session-rules.ts';
import type { PeerState } from '../core/store-ports.ts';
import { type ClientPacket, decodePackets, reasonCodes } from '../mqtt/index.ts';
import { endConnection } from '../sessions/end.ts';
import { type End, endWith, type Outcome, refuseConnect } from '../sessions/outcome.ts';
import { encodeReplies, heartbeatReply } from '../sessions/replies.ts';
import {
  type Chunk,
  decodeClientFrame,
  decodeOneWay,
  joinChunks,
  type PacketsFrame,
  type WireError,
} from '../wire/index.ts';
import { admitted, readState } from './admission.ts';
import { groupPackets, handleGroup } from './dispatch.ts';
import { handleConnect } from './handlers/connect.ts';

/**
 * Handles one text message of a client and returns the text of its route response (docs/wire.md). Heartbeats cost
 * nothing. What ends the connection is pushed as the last message, then the connection is deleted.
 *
 * A frame may be handled again after a crash at any point: the client, having had no reply, reconnects and sends again
 * what MQTT wants sent again; docstrings of the handlers say what their writes leave.
 */
export async function handleFrame(
  context: Context,
  address: ConnectionAddress,
  text: string,
): Promise<string> {
  const frame = decodeClientFrame(text);
  if (frame.kind === 'heartbeat') return heartbeatReply;
  const { connection, replies, end } = await handleContent(context, address, frame, () => true);
  return end === undefined ? encodeReplies(context, address, connection, replies) : heartbeatReply;
}

/**
 * Handles a frame that is not answered. What ends the connection ends it as in any other frame, by a last push. Frames of
 * one connection may be handled in any order, and side by side; so nothing in them may depend on another.
 *
 * After a crash at any point its messages may have reached some subscribers or none: QoS 0. Nobody sends them again.
 */
export async function handleOneWayFrame(
  context: Context,
  address: ConnectionAddress,
  text: string,
): Promise<void> {
  await handleContent(context, address, decodeOneWay(text), mayGoOneWay);
}

/** A packet that is not answered and means the same whatever has been handled before it: no topic alias. */
function mayGoOneWay(packet: ClientPacket): boolean {
  return packet.cmd === 'publish' && packet.qos === 0 && packet.properties?.topicAlias === undefined;
}

async function handleContent(
  context: Context,
  address: ConnectionAddress,
  frame: PacketsFrame | Chunk | WireError,
  mayHold: (packet: ClientPacket) => boolean,
): Promise<Outcome> {
  const state = await readState(context, address, frame);
  const outcome = await admitted(context, state, () => {
    if (frame.kind === 'invalid') return malformed(state, frame.code, frame.message);
    if (frame.kind === 'chunk') return handleChunk(context, address, state, frame);
    return handleBytes(context, address, state, frame.bytes, mayHold);
  });
  const connection = outcome.connection ?? state.connection;
  if (outcome.end !== undefined)
    await endConnection(context, address, connection, outcome.replies, outcome.end, state.live);
  return { ...outcome, ...(connection === undefined ? {} : { connection }) };
}

function malformed({ connection }: PeerState, code: string, message: string): Outcome {
  const { code: reasonCode } =
    code === 'packet-too-large' || code === 'frame-too-large'
      ? reasonCodes.packetTooLarge
      : reasonCodes.malformedPacket;
  return { replies: [], end: endWith(connection?.protocolVersion, reasonCode, code, message) };
}

function notOneWay({ connection }: PeerState): Outcome {
  const { code } = reasonCodes.protocolError;
  const message = 'a one-way frame holds PUBLISH at QoS 0 without topic alias only';
  return { replies: [], end: endWith(connection?.protocolVersion, code, 'not-one-way', message) };
}

/**
 * Keeps a chunk; the last one brings the packet together. A client sends one frame at a time, so the last comes last;
 * one that does otherwise finds its packet refused.
 */
async function handleChunk(
  context: Context,
  address: ConnectionAddress,
  state: PeerState,
  chunk: Chunk,
): Promise<Outcome> {
  if (state.connection === undefined)
    return malformed(state, 'chunk-before-connect', 'CONNECT must fit into one frame');
  await context.connections.putChunk(address, chunk.id, chunk.index, chunk.bytes);
  if (chunk.index < chunk.count - 1) return { replies: [] };
  const chunks = await context.connections.readChunks(address, chunk.id, chunk.count);
  if (chunks === undefined) return malformed(state, 'chunks-incomplete', 'chunks of the packet are missing');
  const joined = joinChunks(chunks);
  if (joined.kind !== 'packet')
    return malformed(state, 'chunks-mismatched', 'the chunks are not exactly one packet');
  return handleBytes(context, address, state, joined.bytes, () => true);
}

/**
 * Handles packets in order; what comes before an error is done and acknowledged, then the error is answered. What follows a
 * packet that ends the connection, a refused CONNECT above all, is not looked at [MQTT-3.1.4-6 v5].
 */
async function handleBytes(
  context: Context,
  address: ConnectionAddress,
  initial: PeerState,
  bytes: Uint8Array,
  mayHold: (packet: ClientPacket) => boolean,
): Promise<Outcome> {
  const maxPacketBytes = maxPacketBytesOf(
    context.settings,
    narrowed(initial.live?.quotas ?? {}, initial.connection?.quotas),
  );
  const decoded = decodePackets(bytes, initial.connection?.protocolVersion, { maxPacketBytes });
  if (!decoded.packets.every(mayHold)) return notOneWay(initial);
  let state = initial;
  const replies: Outcome['replies'][number][] = [];
  const result = (end?: End): Outcome => ({
    replies,
    ...(state.connection === undefined ? {} : { connection: state.connection }),
    ...(end === undefined ? {} : { end }),
  });
  for (const group of groupPackets(decoded.packets)) {
    if (state.connection !== undefined && state.live === undefined)
      state = await withLive(context, state.connection);
    const outcome = await handleOne(context, address, state, group);
    replies.push(...outcome.replies);
    if (outcome.connection !== undefined) state = { ...state, connection: outcome.connection };
    if (outcome.live !== undefined) state = { ...state, live: outcome.live };
    if (outcome.end !== undefined) return result(outcome.end);
  }
  const { error } = decoded;
  if (error === undefined) return result();
  return result(
    state.connection === undefined
      ? refuseConnect(decoded.protocolVersion, error.reasonCode, error.code, error.message)
      : endWith(state.connection.protocolVersion, error.reasonCode, error.code, error.message),
  );
}

function handleOne(
  context: Context,
  address: ConnectionAddress,
  state: PeerState,
  group: readonly ClientPacket[],
): Promise<Outcome> | Outcome {
  const [first] = group;
  if (first?.cmd === 'connect') return handleConnect(context, address, state, first);
  const { connection, live } = state;
  if (connection === undefined || live === undefined)
    return malformed(state, 'connect-expected', 'the first packet must be CONNECT');
  return handleGroup(context, connection, live, group);
}

/** Packets behind a CONNECT in the same frame need the tenant's row too; one may be a PUBLISH at QoS 1 or 2. */
async function withLive(context: Context, connection: Connection): Promise<PeerState> {
  const live = await context.tenants.readLive(connection.tenant, true);
  return { connection, ...(live === undefined ? {} : { live }) };
}
