/**
 * The wire profile `wisp.b64.v1`, specified in docs/wire.md: pure functions, for server, bridge and
 * adapter alike.
 */
export { ChunkAssembler, joinChunks } from './assembler.ts';
export { decodeBase64, encodeBase64 } from './base64.ts';
export { type Chunk, validateChunk } from './chunk.ts';
export type { WireError } from './error.ts';
export {
  type ClientFrame,
  decodeClientFrame,
  decodeOneWay,
  decodeServerFrame,
  encodeChunks,
  encodeMessages,
  encodePackets,
  encodeReply,
  encodeResponse,
  type PacketsFrame,
} from './frames.ts';
export {
  acknowledgementPauseMs,
  badPacketCloseCode,
  badServerFrameCloseCode,
  gatewayErrorCloseCode,
  heartbeatMs,
  maxChunkCount,
  maxFrameBytes,
  maxFrameFilters,
  maxFramePackets,
  maxOneWayFrames,
  maxPacketBytes,
  maxUnfinishedPackets,
  replyTimeoutCloseCode,
  replyTimeoutMs,
  spacingMs,
  subprotocol,
} from './limits.ts';
export { encodeOneWay, oneWayRouteKey, routeSelectionExpression } from './one-way.ts';
export { batchPackets, concatBytes, packetLength, splitPackets } from './packets.ts';
