import { type Bytes, decodeBase64 } from './base64.ts';
import { type Chunk, decodeChunk, validateChunk } from './chunk.ts';
import { type WireError, wireError } from './error.ts';
import { maxBase64Length } from './limits.ts';

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
