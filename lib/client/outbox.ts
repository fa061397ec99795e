import { encodeBase64 } from '../wire/base64.ts';
import type { WireError } from '../wire/error.ts';
import { encodeChunks } from '../wire/frames.ts';
import { maxFrameBytes, maxFrameWork, packetWork, subscribeByte } from '../wire/limits.ts';
import { encodeOneWay, mayGoOneWay } from '../wire/one-way.ts';
import { concatBytes, packetLength, splitPackets } from '../wire/packets.ts';

/** Bytes that the MQTT library wrote and the server has not confirmed yet. */
export class Outbox {
  /** Unconfirmed bytes: queued, in an unfinished packet, and in flight. */
  bufferedAmount = 0;
  /** Whether the frame that awaits its reply holds a SUBSCRIBE. */
  isSubscribing = false;
  #pieces: Uint8Array[] = [];
  /**
   * Bytes missing from the first incomplete packet: until they arrive, splitting again is useless.
   */
  #missingBytes = 0;
  #packets: Uint8Array[] = [];
  #texts: string[] = [];
  #chunkedPackets = 0;
  #inFlightBytes = 0;

  /** Takes bytes in pieces of any size. After an error the packet boundaries are lost. */
  write(bytes: Uint8Array): WireError | undefined {
    this.bufferedAmount += bytes.length;
    this.#pieces.push(bytes);
    this.#missingBytes -= bytes.length;
    if (this.#missingBytes > 0) return undefined;
    const { packets, rest, error } = splitPackets(concatBytes(this.#pieces));
    this.#pieces = [rest];
    this.#missingBytes = packetLength(rest) - rest.length;
    for (const packet of packets) this.#packets.push(packet);
    return error;
  }

  /**
   * Returns the text of the next frame: as many whole packets as fit, in order, or one chunk. The
   * frame is one-way if `connackLength` ({@link Inbox.connackLength}) allows it, all its packets
   * may go one-way, and the queue is empty afterwards: under load, acknowledged frames are faster
   * and cost little more.
   */
  next(connackLength: number | false): string | undefined {
    if (!this.#texts[0]) {
      let count = 0;
      let work = 0;
      for (const { 0: first, length } of this.#packets) {
        // Also UNSUBSCRIBE, 0xA2, which differs by one bit.
        work += ((first as number) & ~0x20) === subscribeByte ? length : packetWork;
        if (count && (this.#inFlightBytes + length > maxFrameBytes || work > maxFrameWork)) break;
        this.#inFlightBytes += length;
        if (first === subscribeByte) this.isSubscribing = true;
        count++;
      }
      if (!count) return undefined;
      const packets = this.#packets.splice(0, count);
      const bytes = concatBytes(packets);
      const isOneWay =
        connackLength &&
        !this.#packets[0] &&
        packets.every((packet) => mayGoOneWay(packet, connackLength > 2));
      this.#texts =
        bytes.length > maxFrameBytes
          ? encodeChunks(`${this.#chunkedPackets++}`, bytes)
          : [isOneWay ? encodeOneWay(bytes) : encodeBase64(bytes)];
    }
    return this.#texts.shift();
  }

  /**
   * Confirms the last frame. A chunked packet counts as buffered until its last chunk is confirmed.
   */
  confirm(): void {
    if (this.#texts[0]) return;
    this.bufferedAmount -= this.#inFlightBytes;
    this.#inFlightBytes = 0;
    this.isSubscribing = false;
  }
}
