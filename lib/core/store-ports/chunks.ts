import type { ConnectionAddress } from '../model.ts';

/**
 * Chunks of packets that are larger than one frame. They expire by TTL, an hour after they were
 * put.
 */
export interface ChunkStore {
  /** Stores one chunk of packet `id`. Idempotent. */
  put(address: ConnectionAddress, id: string, index: number, bytes: Uint8Array): Promise<void>;
  /** The chunks `0 … count - 1` in order, strongly consistent; undefined when one is missing. */
  read(address: ConnectionAddress, id: string, count: number): Promise<Uint8Array[] | undefined>;
}
