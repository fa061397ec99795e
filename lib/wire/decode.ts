import { type Bytes, decodeBase64 } from './base64.ts';
import { type Chunk, decodeChunk } from './chunk.ts';
import { type WireError, wireError } from './error.ts';
import { maxFrameBytes } from './limits.ts';

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

const maxBase64Length = (maxFrameBytes / 3) * 4;

/** Reads what a client sent. */
export function decodeClientFrame(text: string): ClientFrame | WireError {
  if (text === '.') return { kind: 'heartbeat' };
  if (text[0] === '~') return decodeChunk(text);
  return decodePackets(text);
}

/** Reads what the server, or API Gateway on its behalf, sent. */
export function decodeServerFrame(text: string): ServerFrame | WireError {
  if (text === '.') return { kind: 'reply' };
  if (text[0] === '{') return { kind: 'error', message: gatewayMessage(text) };
  if (text[0] === '~') return decodeChunk(text);
  if (text[0] !== '.') return decodePackets(text);
  const replies = decodePackets(text.slice(1));
  return replies.kind === 'packets' ? { kind: 'reply', bytes: replies.bytes } : replies;
}

function decodePackets(text: string): PacketsFrame | WireError {
  if (text === '') return wireError('bad-frame', 'empty frame');
  if (text.length > maxBase64Length) {
    return wireError('frame-too-large', `frame over ${maxFrameBytes} raw bytes`);
  }
  const bytes = decodeBase64(text);
  return bytes ? { kind: 'packets', bytes } : wireError('bad-base64', 'malformed base64');
}

function gatewayMessage(text: string): string {
  const match = /"message": ?"([^"\\]{0,200})"/.exec(text);
  return match?.[1] ?? 'unknown error';
}
