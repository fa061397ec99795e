import type { Bytes } from './base64.ts';
import type { Chunk } from './chunk.ts';
import { type WireError, wireError } from './error.ts';
import { maxPacketBytes, maxUnfinishedPackets } from './limits.ts';
import { concatBytes, packetLength } from './packets.ts';

export type Assembled =
  | { readonly kind: 'packet'; readonly bytes: Bytes }
  | { readonly kind: 'pending' }
  | WireError;

/**
 * Reassembles the chunks of one connection and direction by id and index; they may arrive in any
 * order.
 */
export class ChunkAssembler {
  readonly #unfinished = new Map<string, (Uint8Array | undefined)[]>();

  /**
   * Takes a chunk and returns the packet when it is complete. A repeated chunk counts once. After
   * an error the connection must be closed.
   */
  accept({ id, index, count, bytes }: Chunk): Assembled {
    const parts = this.#unfinished.get(id) ?? new Array<Uint8Array | undefined>(count);
    this.#unfinished.set(id, parts);
    if (this.#unfinished.size > maxUnfinishedPackets) return wireError('too-many-unfinished');
    if (parts.length !== count || index >= count) return wireError('bad-chunk');
    parts[index] ??= bytes;
    const result = joinChunks(parts);
    if (result.kind !== 'pending') this.#unfinished.delete(id);
    return result;
  }
}

/**
 * Joins the raw bytes of all chunks of a packet by index (`undefined` where one is missing), for a
 * receiver that does not keep chunks in memory. Checks that they are exactly one packet within the
 * limit.
 */
export function joinChunks(parts: readonly (Uint8Array | undefined)[]): Assembled {
  if (parts.includes(undefined)) return { kind: 'pending' };
  const bytes = concatBytes(parts as readonly Uint8Array[]);
  const isPacket = packetLength(bytes) === bytes.length && bytes.length <= maxPacketBytes;
  return isPacket ? { kind: 'packet', bytes } : wireError('bad-chunk');
}
