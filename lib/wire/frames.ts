import { type Bytes, decodeBase64, encodeBase64 } from './base64.ts';
import { type Chunk, decodeChunk, validateChunk } from './chunk.ts';
import { type WireError, wireError } from './error.ts';
import { maxBase64Length, maxFrameBytes } from './limits.ts';
import { batchPackets, concatBytes } from './packets.ts';

/** One or more complete packets. `splitPackets` checks their boundaries. */
export interface PacketsFrame {
  readonly kind: 'packets';
  readonly bytes: Bytes;
}

export type ClientFrame = PacketsFrame | Chunk | { readonly kind: 'heartbeat' };

export type ServerFrame =
  | PacketsFrame
  | Chunk
  /** Completes the outstanding frame; `bytes` are its replies, absent if it has none. */
  | { readonly kind: 'reply'; readonly bytes?: Bytes }
  /** API Gateway's own error JSON; `message` is its text, such as `Internal server error`. */
  | { readonly kind: 'error'; readonly message: string };

/** Reads a frame of a client; validates chunks. */
export function decodeClientFrame(text: string): ClientFrame | WireError {
  if (text === '.') return { kind: 'heartbeat' };
  if (text[0] !== '~') return decodeText(text);
  const chunk = decodeChunk(text);
  return (chunk.kind === 'chunk' && validateChunk(chunk)) || chunk;
}

/**
 * Reads a one-way frame: JSON with the member `packets`; other members are ignored. The broker
 * checks which packets it may hold.
 */
export function decodeOneWay(text: string): PacketsFrame | WireError {
  try {
    const { packets } = JSON.parse(text) as { readonly packets?: unknown };
    return decodeText(typeof packets === 'string' ? packets : '');
  } catch {
    return wireError('bad-frame');
  }
}

/** Reads a frame of the server or of API Gateway; pass chunks to a `ChunkAssembler`. */
export function decodeServerFrame(text: string): ServerFrame | WireError {
  if (text === '.') return { kind: 'reply' };
  if (text[0] === '~') return decodeChunk(text);
  if (text[0] === '{') {
    // `{"message": "Internal server error", …}`. Splitting is shorter than JSON.parse with its
    // error handling, and only the text depends on it.
    return { kind: 'error', message: text.split('"')[3] ?? 'gateway error' };
  }
  const isReply = text[0] === '.';
  const frame = decodeText(isReply ? text.slice(1) : text);
  return isReply && frame.kind === 'packets' ? { ...frame, kind: 'reply' } : frame;
}

function decodeText(text: string): PacketsFrame | WireError {
  if (text.length > maxBase64Length) return wireError('frame-too-large');
  const bytes = text && decodeBase64(text);
  return bytes ? { kind: 'packets', bytes } : wireError(text ? 'bad-base64' : 'bad-frame');
}

/**
 * `B`: one or more complete packets, as a client's frame or as a push; at most 24,000 raw bytes,
 * not empty.
 */
export function encodePackets(bytes: Uint8Array): string {
  return encodeBase64(bytes);
}

/**
 * `.` or `.B`: the route response that completes a frame; `bytes` are complete packets, at most
 * 24,000 raw bytes.
 */
export function encodeReply(bytes?: Uint8Array): string {
  return bytes ? `.${encodeBase64(bytes)}` : '.';
}

/**
 * `~id:index:count:B` for each chunk of one packet larger than 24,000 bytes, in order. Every chunk
 * but the last holds exactly 24,000 raw bytes. `id` is 1–8 characters of `[0-9a-z]` and unique
 * among the unfinished packets of this connection and direction.
 */
export function encodeChunks(id: string, packet: Uint8Array): string[] {
  const count = Math.ceil(packet.length / maxFrameBytes);
  const texts: string[] = [];
  for (let index = 0; index < count; index++) {
    const start = index * maxFrameBytes;
    texts.push(`~${id}:${index}:${count}:${encodeBase64(packet.subarray(start, start + maxFrameBytes))}`);
  }
  return texts;
}

/**
 * All packets as text messages in order: batches of at most 24,000 raw bytes, chunks for what is
 * larger.
 */
export function encodeMessages(packets: readonly Uint8Array[], nextChunkId: () => string): string[] {
  return batchPackets(packets).flatMap((batch) => {
    const bytes = concatBytes(batch);
    return bytes.length > maxFrameBytes ? encodeChunks(nextChunkId(), bytes) : encodeBase64(bytes);
  });
}

export interface ResponseMessages {
  /** The one route response. */
  readonly reply: string;
  /** Text messages to push after it, in order; almost always none. */
  readonly pushes: string[];
}

/**
 * Encodes the replies to one frame. The route response holds the first complete packets up to
 * 24,000 raw bytes; the rest follows as pushes. If the first packet is larger (a SUBACK for more
 * than 24,000 filters), the route response is `.` and the packet is pushed in chunks.
 */
export function encodeResponse(packets: readonly Uint8Array[], nextChunkId: () => string): ResponseMessages {
  const first = batchPackets(packets)[0] ?? [];
  const fits = first[0] !== undefined && first[0].length <= maxFrameBytes;
  return {
    reply: encodeReply(fits ? concatBytes(first) : undefined),
    pushes: encodeMessages(packets.slice(fits ? first.length : 0), nextChunkId),
  };
}
