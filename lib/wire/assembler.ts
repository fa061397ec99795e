import type { Bytes } from './base64.ts';
import { type Chunk, validateChunk } from './chunk.ts';
import { type WireError, wireError } from './error.ts';
import { maxUnfinishedPackets } from './limits.ts';
import { concatBytes, packetLength } from './packets.ts';

export type Assembled =
  | { readonly kind: 'packet'; readonly bytes: Bytes }
  | { readonly kind: 'pending' }
  | WireError;

/** Puts chunks of one connection and direction together, by id and index, in whatever order they come. */
export class ChunkAssembler {
  readonly #unfinished = new Map<string, (Uint8Array | undefined)[]>();
  readonly #maxUnfinished: number;

  constructor(maxUnfinished: number = maxUnfinishedPackets) {
    this.#maxUnfinished = maxUnfinished;
  }

  /** The packet, once its last missing chunk is here. The same chunk coming twice is taken once. */
  accept(chunk: Chunk): Assembled {
    const error = validateChunk(chunk);
    if (error) return error;
    let parts = this.#unfinished.get(chunk.id);
    if (!parts) {
      if (this.#unfinished.size >= this.#maxUnfinished) {
        return wireError('too-many-unfinished', `more than ${this.#maxUnfinished} unfinished packets`);
      }
      parts = Array.from({ length: chunk.count });
      this.#unfinished.set(chunk.id, parts);
    }
    if (parts.length !== chunk.count)
      return wireError('bad-chunk', 'chunks of one packet disagree about count');
    parts[chunk.index] ??= chunk.bytes;
    const result = joinChunks(parts);
    if (result.kind !== 'pending') this.#unfinished.delete(chunk.id);
    return result;
  }
}

/**
 * The packet from the raw bytes of all its chunks by index (`undefined` where one is missing), for a receiver that
 * keeps chunks elsewhere than in memory. Checks that they are exactly one packet.
 */
export function joinChunks(parts: readonly (Uint8Array | undefined)[]): Assembled {
  const present = parts.filter((part) => part !== undefined);
  if (present.length !== parts.length) return { kind: 'pending' };
  const bytes = concatBytes(present);
  if (packetLength(bytes) !== bytes.length)
    return wireError('bad-chunk', 'chunks are not exactly one packet');
  return { kind: 'packet', bytes };
}
