import { type Bytes, decodeBase64 } from './base64.ts';
import { type Chunk, decodeChunk, validateChunk } from './chunk.ts';
import { type WireError, wireError } from './error.ts';
import { maxBase64Length } from './limits.ts';

/** One or more complete packets; their boundaries are not checked here, see `splitPackets`. */
export interface PacketsFrame {
  readonly kind: 'packets';
  readonly bytes: Bytes;
}

export type ClientFrame = PacketsFrame | Chunk | { readonly kind: 'heartbeat' };

export type ServerFrame =
  | PacketsFrame
  | Chunk
  /** Completes the outstanding frame; `bytes` are its replies, absent where there are none. */
  | { readonly kind: 'reply'; readonly bytes?: Bytes }
  /** API Gateway's own error JSON; `message` is its text, such as `Internal server error`. */
  | { readonly kind: 'error'; readonly message: string };

/** Reads what a client sent; chunks are validated. */
export function decodeClientFrame(text: string): ClientFrame | WireError {
  if (text === '.') return { kind: 'heartbeat' };
  if (text[0] !== '~') return decodePackets(text);
  const chunk = decodeChunk(text);
  return (chunk.kind === 'chunk' && validateChunk(chunk)) || chunk;
}

/** Reads a one-way frame: JSON with `packets`, whatever else is in it. What packets may be in it is for the broker to judge. */
export function decodeOneWay(text: string): PacketsFrame | WireError {
  try {
    const { packets } = JSON.parse(text) as { readonly packets?: unknown };
    return decodePackets(typeof packets === 'string' ? packets : '');
  } catch {
    return wireError('bad-frame');
  }
}

/** Reads what the server, or API Gateway on its behalf, sent; chunks are for a `ChunkAssembler`. */
export function decodeServerFrame(text: string): ServerFrame | WireError {
  if (text === '.') return { kind: 'reply' };
  if (text[0] === '~') return decodeChunk(text);
  if (text[0] === '{') {
    // `{"message": "Internal server error", …}`; kept from JSON.parse, since nothing hangs on it but a message.
    return { kind: 'error', message: text.split('"')[3] ?? 'gateway error' };
  }
  const isReply = text[0] === '.';
  const frame = decodePackets(isReply ? text.slice(1) : text);
  return isReply && frame.kind === 'packets' ? { ...frame, kind: 'reply' } : frame;
}

function decodePackets(text: string): PacketsFrame | WireError {
  if (text.length > maxBase64Length) return wireError('frame-too-large');
  const bytes = text && decodeBase64(text);
  return bytes ? { kind: 'packets', bytes } : wireError(text ? 'bad-base64' : 'bad-frame');
}
