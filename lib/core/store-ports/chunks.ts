import { maxUnfinishedPackets } from '../../wire/limits.ts';
import type { ConnectionAddress, UnfinishedPacket } from '../model.ts';

/** Slots of a connection for unfinished packets. */
export const packetSlots = maxUnfinishedPackets;

/**
 * Chunks of packets that are larger than one frame. A connection has 16 slots, each for one
 * unfinished packet, so its chunks take a bounded number of rows. Rows expire by TTL, an hour after
 * they were put.
 */
export interface ChunkStore {
  /**
   * Claims a slot of the connection's row for a packet.
   * @returns false if the slot is taken, also by an earlier attempt of this call, or if the
   *   connection is gone.
   */
  begin(address: ConnectionAddress, packet: UnfinishedPacket): Promise<boolean>;
  /** Stores one chunk in place of what an earlier packet left in the slot. Idempotent. */
  put(address: ConnectionAddress, packet: UnfinishedPacket, index: number, bytes: Uint8Array): Promise<void>;
  /**
   * The chunks `0 … count - 1` of the packet in order, strongly consistent; undefined when one is
   * missing.
   */
  read(
    address: ConnectionAddress,
    packet: UnfinishedPacket,
    count: number,
  ): Promise<Uint8Array[] | undefined>;
  /**
   * Frees the packet's slot.
   * @returns whether this call freed it; false also where the answer of an earlier attempt was
   * lost.
   */
  finish(address: ConnectionAddress, packet: UnfinishedPacket): Promise<boolean>;
}
