import type { WireError } from './error.ts';
import { concatBytes, packetLength, splitPackets } from './packets.ts';

/**
 * Cuts a byte stream that comes in arbitrary pieces into MQTT packets. Pieces of an unfinished packet are joined only
 * once all of it is here, so that a packet that comes byte by byte costs no more than its length.
 */
export class PacketReader {
  #pieces: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Bytes that must be here before another look is worth it. */
  #neededBytes = 0;

  /**
   * The packets that `bytes` complete, in order. They and the unfinished rest may be views on `bytes`: hand over
   * memory that nobody writes to afterwards. After an error the stream has no boundaries any more.
   */
  read(bytes: Uint8Array): Uint8Array[] | WireError {
    this.#pieces.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes < this.#neededBytes) return [];
    const { packets, rest, error } = splitPackets(concatBytes(this.#pieces));
    this.#pieces = [rest];
    this.#pendingBytes = rest.length;
    this.#neededBytes = Math.max(packetLength(rest), rest.length + 1);
    return error ?? packets;
  }
}
