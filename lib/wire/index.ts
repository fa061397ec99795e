/**
 * The wire profile `wisp.b64.v1`, specified in docs/wire.md: pure functions, for server, bridge and
 * adapter alike.
 */
export { type Assembled, ChunkAssembler, joinChunks } from './assembler.ts';
export { type Bytes, decodeBase64, encodeBase64 } from './base64.ts';
export { type Chunk, decodeChunk, validateChunk } from './chunk.ts';
export {
  type ClientFrame,
  decodeClientFrame,
  decodeOneWay,
  decodeServerFrame,
  type PacketsFrame,
  type ServerFrame,
} from './decode.ts';
export {
  encodeChunks,
  encodeMessages,
  encodePackets,
  encodeReply,
  encodeResponse,
  heartbeatFrame,
  type ResponseMessages,
} from './encode.ts';
export { type WireError, type WireErrorCode, wireError } from './error.ts';
export {
  badPacketCloseCode,
  badServerFrameCloseCode,
  gatewayErrorCloseCode,
  heartbeatMs,
  maxChunkCount,
  maxFrameBytes,
  maxOneWayFrames,
  maxPacketBytes,
  maxUnfinishedPackets,
  replyTimeoutCloseCode,
  replyTimeoutMs,
  spacingMs,
  subprotocol,
} from './limits.ts';
export { encodeOneWay, mayGoOneWay, oneWayRouteKey, routeSelectionExpression } from './one-way.ts';
export { batchPackets, concatBytes, packetLength, type SplitResult, splitPackets } from './packets.ts';
