import { type Bytes, decodeBase64 } from './base64.ts';
import { type WireError, wireError } from './error.ts';
import { maxChunkCount, maxFrameBytes, maxPacketBytes } from './limits.ts';
import { packetLength } from './packets.ts';

/** One of `count` pieces of a single packet of more than 24,000 bytes. */
export interface Chunk {
  readonly kind: 'chunk';
  /** 1–8 characters of `[0-9a-z]`: names the packet among those unfinished on this connection in this direction. */
  readonly id: string;
  /** 0 … count - 1 */
  readonly index: number;
  /** 2 … 6 */
  readonly count: number;
  readonly bytes: Bytes;
}

const header = /^~([0-9a-z]{1,8}):(\d):(\d):/;

/** Reads and validates `~id:index:count:B`. */
export function decodeChunk(text: string): Chunk | WireError {
  const match = header.exec(text);
  if (!match) return wireError('bad-chunk', 'a chunk has the form ~id:index:count:base64');
  const [whole, id = '', index, count] = match;
  const bytes = decodeBase64(text.slice(whole.length));
  if (!bytes) return wireError('bad-base64', 'malformed base64');
  const chunk: Chunk = { kind: 'chunk', id, index: Number(index), count: Number(count), bytes };
  return validateChunk(chunk) ?? chunk;
}

/**
 * What one chunk shows by itself, so that a receiver without state can refuse it before it stores anything: every
 * chunk but the last holds exactly 24,000 raw bytes, hence index and size bound the packet; and the first one holds
 * the packet's length, which must agree with `count`.
 */
export function validateChunk(chunk: Omit<Chunk, 'kind'>): WireError | undefined {
  const { id, index, count, bytes } = chunk;
  if (!/^[0-9a-z]{1,8}$/.test(id)) return wireError('bad-chunk', 'chunk id is 1–8 characters of [0-9a-z]');
  if (!Number.isInteger(count) || count < 2) return wireError('bad-chunk', 'a packet has two chunks or more');
  if (count > maxChunkCount) return wireError('packet-too-large', `MQTT packet over ${maxPacketBytes} bytes`);
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    return wireError('bad-chunk', 'chunk index is not below count');
  }
  const isLast = index === count - 1;
  if (bytes.length > maxFrameBytes)
    return wireError('frame-too-large', `chunk over ${maxFrameBytes} raw bytes`);
  if (isLast ? bytes.length === 0 : bytes.length !== maxFrameBytes) {
    return wireError('bad-chunk', `every chunk but the last holds exactly ${maxFrameBytes} raw bytes`);
  }
  if (index * maxFrameBytes + bytes.length > maxPacketBytes) {
    return wireError('packet-too-large', `MQTT packet over ${maxPacketBytes} bytes`);
  }
  return index === 0 ? validateFirst(bytes, count) : undefined;
}

function validateFirst(bytes: Uint8Array, count: number): WireError | undefined {
  const length = packetLength(bytes);
  if (length < 0) return wireError('bad-length', 'malformed MQTT remaining length');
  if (length > maxPacketBytes)
    return wireError('packet-too-large', `MQTT packet over ${maxPacketBytes} bytes`);
  if (Math.ceil(length / maxFrameBytes) !== count) {
    return wireError('bad-chunk', 'chunk count disagrees with the length of the packet');
  }
  return undefined;
}
