import { type Bytes, decodeBase64 } from './base64.ts';
import { type WireError, wireError } from './error.ts';
import { maxChunkCount, maxFrameBytes, maxPacketBytes } from './limits.ts';
import { packetLength } from './packets.ts';

/** One of `count` pieces of a single packet of more than 24,000 bytes. */
export interface Chunk {
  readonly kind: 'chunk';
  /**
   * 1–8 characters of `[0-9a-z]`; unique among the unfinished packets of this connection and
   * direction.
   */
  readonly id: string;
  /** 0 … count - 1 */
  readonly index: number;
  /** 2 … 6 */
  readonly count: number;
  readonly bytes: Bytes;
}

/**
 * Reads `~id:index:count:B`. A receiver that stores chunks calls `validateChunk` first
 * (`decodeClientFrame` does); a receiver that joins them in memory checks the packet at the end.
 */
export function decodeChunk(text: string): Chunk | WireError {
  const [header = '', id = '', index = '', count = ''] = /^~([0-9a-z]{1,8}):(\d):(\d):/.exec(text) ?? [];
  const bytes = decodeBase64(text.slice(header.length));
  if (!bytes || !id) return wireError(id ? 'bad-base64' : 'bad-chunk');
  return { kind: 'chunk', id, index: +index, count: +count, bytes };
}

/**
 * Checks a single chunk, so that a receiver without state can refuse it before storing anything.
 * Every chunk but the last holds exactly 24,000 raw bytes, hence index and size bound the packet.
 * The first chunk holds the length of the packet, which must match `count`.
 */
export function validateChunk({ index, count, bytes }: Omit<Chunk, 'kind' | 'id'>): WireError | undefined {
  const size = bytes.length;
  const isSizeRight = index === count - 1 ? size > 0 && size <= maxFrameBytes : size === maxFrameBytes;
  if (count < 2 || index >= count || !isSizeRight) return wireError('bad-chunk');
  const minPacketBytes = index > 0 ? index * maxFrameBytes + size : packetLength(bytes);
  if (count > maxChunkCount || minPacketBytes > maxPacketBytes) return wireError('packet-too-large');
  const isCountRight = index > 0 || Math.ceil(minPacketBytes / maxFrameBytes) === count;
  return isCountRight ? undefined : wireError('bad-chunk');
}
