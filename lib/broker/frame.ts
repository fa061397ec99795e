import type { Context } from '../core/context.ts';
import type { ConnectionAddress, ProtocolVersion } from '../core/model.ts';
import { effectiveQuotas, maxPacketBytesOf } from '../core/quotas.ts';
import { type MqttReasonName, refusal } from '../core/reasons.ts';
import type { PeerState } from '../core/store-ports/connections.ts';
import { createMatchBudget } from '../delivery/match-budget.ts';
import { writeRateUse } from '../limits/rates.ts';
import {
  type AuthPacket,
  type ClientPacket,
  type ConnectPacket,
  type DisconnectPacket,
  decodePackets,
  type PingreqPacket,
  type PublishPacket,
  type PubrecPacket,
  type PubrelPacket,
  type ServerPacket,
  type SubscribePacket,
  type UnsubscribePacket,
} from '../mqtt/index.ts';
import { closeConnection } from '../sessions/close-connection.ts';
import { type End, endWith, type Outcome, refuseConnect } from '../sessions/outcome.ts';
import { encodeReplies, encodeWithin, heartbeatReply } from '../sessions/replies.ts';
import { noteFrame } from '../sessions/silence.ts';
import {
  type Chunk,
  type ClientFrame,
  decodeClientFrame,
  decodeOneWay,
  type PacketsFrame,
  type WireError,
} from '../wire/index.ts';
import { frameRefusal, readState, refusalOf } from './admission.ts';
import { collectChunks } from './chunks.ts';
import {
  type FinalAcknowledgement,
  handleFinalAcknowledgements,
  handlePubrecs,
  handlePubrels,
  isRefusal,
} from './handlers/acknowledgements.ts';
import { handleAuth } from './handlers/auth.ts';
import { handleConnect } from './handlers/connect.ts';
import { handleDisconnect } from './handlers/disconnect.ts';
import type { Handler, Peer, Run } from './handlers/handler.ts';
import { handlePublishes } from './handlers/publish.ts';
import { handleSubscribe } from './handlers/subscribe.ts';
import { handleUnsubscribe } from './handlers/unsubscribe.ts';
import { isHeartbeatTooMuch, packetsRefusal, refuseRun, unitsOf, unitsOfBytes } from './packet-rate.ts';

/** What differs between the routes on which frames come. */
export interface FrameKind {
  decode(text: string): ClientFrame | WireError;
  accepts(packet: ClientPacket): boolean;
}

/** Frames that get a route response: any packets. */
const answeredFrame: FrameKind = { decode: decodeClientFrame, accepts: () => true };

/**
 * Frames without a route response. Those of one connection may be handled concurrently and in any
 * order, so they hold only packets that get no reply and on which no other packet depends: PUBLISH
 * at QoS 0 without a topic alias, and final acknowledgements.
 *
 * After a crash at any point the messages may have reached some subscribers or none, and nobody
 * sends them again. A message whose acknowledgement is lost stays in its queue: it keeps its place
 * in the Receive Maximum until the client reconnects, and is then sent again.
 */
export const oneWayFrame: FrameKind = {
  decode: decodeOneWay,
  accepts: (packet) =>
    packet.cmd === 'publish'
      ? packet.qos === 0 && packet.properties?.topicAlias === undefined
      : packet.cmd !== 'connect' && kindOf(packet) === 'acknowledgement',
};

/**
 * Handles one text message of a client: decodes the text, reads the state, admits the connection,
 * decodes the packets, hands them to their handlers, and returns the text of the route response
 * (docs/wire.md). The end of a connection is pushed as its last message,
 * then the connection is deleted.
 *
 * A crash at any point leaves the client without a reply: it reconnects and sends again what MQTT
 * demands, so a frame may be handled twice. The docstrings of the handlers say what their writes
 * leave.
 */
export async function handleFrame(
  context: Context,
  address: ConnectionAddress,
  text: string,
  kind: FrameKind = answeredFrame,
): Promise<string> {
  const frame = kind.decode(text);
  if (frame.kind === 'heartbeat') return heartbeat(context, address);
  const { replies, connection } = await answerFrame(context, address, frame, kind);
  return replies.length === 0 ? heartbeatReply : encodeReplies(context, address, connection, replies);
}

/**
 * Like {@link handleFrame}, for a client whose socket this process holds: takes and returns packets
 * as they are. The gateway port gets what ends the connection.
 *
 * @param bytes one or more complete packets, within the bounds of a frame (docs/wire.md).
 * @returns the replies in their order; empty where there are none.
 */
export async function handlePacketBytes(
  context: Context,
  address: ConnectionAddress,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array[]> {
  const frame = { kind: 'packets', bytes } as const;
  const { replies, connection } = await answerFrame(context, address, frame, answeredFrame);
  return encodeWithin(connection, replies);
}

/**
 * Handles a decoded frame. The end of the connection has been pushed then, with the replies before
 * it.
 */
async function answerFrame(
  context: Context,
  address: ConnectionAddress,
  frame: PacketsFrame | Chunk | WireError,
  kind: Pick<FrameKind, 'accepts'>,
): Promise<Pick<Outcome, 'replies' | 'connection'>> {
  const state = await readState(context, address, frame);
  const refused = await refusalOf(context, state);
  const [outcome] = await Promise.all([
    refused === undefined
      ? handlePackets(context, address, state, frame, kind)
      : { replies: [], end: refused },
    noteFrame(context, state.connection),
  ]);
  const { replies, end, connection = state.connection, live = state.live }: Outcome = outcome;
  if (end === undefined) return { replies, ...(connection && { connection }) };
  await closeConnection(context, address, connection, replies, end, live);
  return { replies: [] };
}

/**
 * A heartbeat before CONNECT closes the socket, because each is paid for, and so do too many. It is
 * a sign of life as a packet is: an adapter or bridge that answers PINGREQ itself sends no other,
 * so it reads the row, for half a read unit, and notes itself where that is watched.
 */
async function heartbeat(context: Context, address: ConnectionAddress): Promise<string> {
  const isTooMuch = isHeartbeatTooMuch(context, address);
  const [row] = isTooMuch ? [] : await context.connections.getMany([address]);
  const connection = row ?? (await context.connections.get(address));
  if (isTooMuch || connection === undefined) {
    const code = connection === undefined ? 'connect-expected' : 'client-packet-rate';
    const end = endWith(connection?.protocolVersion, refusal(code));
    await closeConnection(context, address, connection, [], end);
  } else await noteFrame(context, connection);
  return heartbeatReply;
}

/**
 * Handles the packets of a frame in order, in runs. The packets before an error are handled and
 * acknowledged, then the error is answered. Packets behind one that ends the connection are ignored
 * [MQTT-3.1.4-6 v5].
 */
async function handlePackets(
  context: Context,
  address: ConnectionAddress,
  initial: PeerState,
  frame: PacketsFrame | Chunk | WireError,
  { accepts }: Pick<FrameKind, 'accepts'>,
): Promise<Outcome> {
  const bytes = await bytesOf(context, initial, frame);
  if ('replies' in bytes) return bytes;
  const quotas = effectiveQuotas(context.settings, initial.live?.quotas ?? {}, initial.connection?.quotas);
  const maxPacketBytes = maxPacketBytesOf(context.settings, quotas);
  const version = initial.connection?.protocolVersion;
  const { packets, error, ...decoded } = decodePackets(bytes, version, { maxPacketBytes });
  if (!packets.every(accepts)) return refuseFrame(version, 'not-one-way');
  const tooCostly = frameRefusal(context, packets);
  if (tooCostly !== undefined)
    return { replies: [], end: endOf(initial, decoded.protocolVersion, tooCostly) };
  // The chunks of a packet have been counted as they came.
  const countedBytes = frame.kind === 'chunk' ? bytes.length : 0;
  let uncountedBytes = bytes.length - countedBytes;
  const budget = createMatchBudget(context.settings);
  let state = initial;
  const replies: ServerPacket[] = [];
  for (const run of cutIntoRuns(packets)) {
    const outcome =
      rateRefusal(context, state, run, uncountedBytes) ??
      (await handleRun(context, address, state, run, { budget, countedBytes }));
    uncountedBytes = 0;
    replies.push(...outcome.replies);
    const { connection = state.connection, live = state.live } = outcome;
    state = { ...(connection && { connection }), ...(live && { live }) };
    if (outcome.end !== undefined) return { ...outcome, ...state, replies };
  }
  if (error === undefined) {
    if (state.connection !== undefined) await writeRateUse(context, state.connection);
    return { ...state, replies };
  }
  return { ...state, replies, end: endOf(state, decoded.protocolVersion, error) };
}

/** Ends an accepted connection, or refuses the CONNECT of the frame. */
function endOf(
  { connection }: PeerState,
  version: ProtocolVersion | undefined,
  reason: Parameters<typeof refuseConnect>[1],
): End {
  return connection === undefined
    ? refuseConnect(version, reason)
    : endWith(connection.protocolVersion, reason);
}

/** Answers a run for which the rates of its client or tenant have no room. */
function rateRefusal(
  context: Context,
  { connection, live }: PeerState,
  run: Run<ClientPacket>,
  bytes: number,
): Outcome | undefined {
  // CONNECT has its own rates.
  if (connection === undefined || live === undefined || run[0].cmd === 'connect') return undefined;
  const tooFast = packetsRefusal(context, connection, live, unitsOf(run) + unitsOfBytes(bytes));
  return tooFast && refuseRun(context, connection, run, tooFast);
}

/** Hands a run to its handler. */
async function handleRun(
  context: Context,
  address: ConnectionAddress,
  state: PeerState,
  run: Run<ClientPacket>,
  ofFrame: Pick<Peer, 'budget' | 'countedBytes'>,
): Promise<Outcome> {
  const [first] = run;
  if (first.cmd === 'connect') return handleConnect(context, { address, state, packet: first });
  const { connection, live } = state;
  if (connection === undefined || live === undefined)
    return refuseFrame(connection?.protocolVersion, 'connect-expected');
  // The table pairs each kind with its packets.
  const handle = handlers[kindOf(first)] as Handler<ClientPacket>;
  return handle({ context, connection, live, ...ofFrame }, run);
}

interface PacketsByKind {
  publish: PublishPacket;
  acknowledgement: FinalAcknowledgement;
  pubrec: PubrecPacket;
  pubrel: PubrelPacket;
  subscribe: SubscribePacket;
  unsubscribe: UnsubscribePacket;
  pingreq: PingreqPacket;
  disconnect: DisconnectPacket;
  auth: AuthPacket;
}
type Kind = keyof PacketsByKind;

/**
 * The handler of each kind of packet; CONNECT has its own, since it comes before there is a
 * connection.
 */
const handlers: { readonly [K in Kind]: Handler<PacketsByKind[K]> } = {
  publish: handlePublishes,
  acknowledgement: handleFinalAcknowledgements,
  pubrec: handlePubrecs,
  pubrel: handlePubrels,
  subscribe: handleSubscribe,
  unsubscribe: handleUnsubscribe,
  pingreq: () => ({ replies: [{ cmd: 'pingresp' }] }), // [MQTT-3.12.4-1 v3+v5]
  disconnect: handleDisconnect,
  auth: handleAuth,
};

/** Kinds of which consecutive packets make one run. */
const runKinds: ReadonlySet<Kind> = new Set([
  'publish',
  'acknowledgement',
  'pubrec',
  'pubrel',
  'subscribe',
  'unsubscribe',
]);

function kindOf(packet: Exclude<ClientPacket, ConnectPacket>): Kind {
  if (packet.cmd === 'puback' || packet.cmd === 'pubcomp') return 'acknowledgement';
  return packet.cmd === 'pubrec' && isRefusal(packet) ? 'acknowledgement' : packet.cmd;
}

/** Cuts a frame's packets into runs of one kind, in order. */
function cutIntoRuns(packets: readonly ClientPacket[]): Run<ClientPacket>[] {
  const runs: [ClientPacket, ...ClientPacket[]][] = [];
  let latest: Kind | undefined;
  for (const packet of packets) {
    const kind = packet.cmd === 'connect' ? undefined : kindOf(packet);
    if (kind !== undefined && kind === latest && runKinds.has(kind)) runs.at(-1)?.push(packet);
    else runs.push([packet]);
    latest = kind;
  }
  return runs;
}

/** The bytes of the packets in a frame, or what answers a frame that has none to be handled. */
async function bytesOf(
  context: Context,
  { connection, live }: PeerState,
  frame: PacketsFrame | Chunk | WireError,
): Promise<Uint8Array | Outcome> {
  if (frame.kind === 'packets') return frame.bytes;
  const version = connection?.protocolVersion;
  if (frame.kind === 'invalid') return refuseFrame(version, frame.code);
  if (connection === undefined || live === undefined) return refuseFrame(version, 'chunk-before-connect');
  const collected = await collectChunks(context, connection, live, frame);
  if (collected === 'waiting') return { replies: [] };
  return 'code' in collected ? { replies: [], end: endWith(version, collected) } : collected;
}

function refuseFrame(version: ProtocolVersion | undefined, code: MqttReasonName): Outcome {
  return { replies: [], end: endWith(version, refusal(code)) };
}
