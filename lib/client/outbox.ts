import { encodeBase64 } from '../wire/base64.ts';
import { encodeChunks } from '../wire/encode.ts';
import type { WireError } from '../wire/error.ts';
import { maxFrameBytes } from '../wire/limits.ts';
import { concatBytes } from '../wire/packets.ts';
import { PacketReader } from '../wire/reader.ts';

/** What the MQTT library wrote and the server has not confirmed yet. */
export class Outbox {
  /** Bytes written and not confirmed: queued, unfinished and in flight. */
  bufferedBytes = 0;
  readonly #reader = new PacketReader();
  #packets: Uint8Array[] = [];
  #texts: string[] = [];
  #chunkedPackets = 0;
  #inFlightBytes = 0;

  /** Takes bytes in pieces of any size. An error means that the stream has lost its packet boundaries. */
  write(bytes: Uint8Array): WireError | undefined {
    const packets = this.#reader.read(bytes);
    if (!Array.isArray(packets)) return packets;
    this.bufferedBytes += bytes.length;
    for (const packet of packets) this.#packets.push(packet);
    return undefined;
  }

  /** Text of the next frame: as many whole packets as fit, in order, or one chunk. */
  next(): string | undefined {
    if (this.#texts.length === 0) {
      let count = 0;
      for (const { length } of this.#packets) {
        if (count > 0 && this.#inFlightBytes + length > maxFrameBytes) break;
        this.#inFlightBytes += length;
        count++;
      }
      if (count === 0) return undefined;
      const bytes = concatBytes(this.#packets.splice(0, count));
      this.#texts =
        bytes.length > maxFrameBytes
          ? encodeChunks(`${this.#chunkedPackets++}`, bytes)
          : [encodeBase64(bytes)];
    }
    return this.#texts.shift();
  }

  /** The server has replied to the last frame. A chunked packet counts as buffered until its last chunk is confirmed. */
  confirm(): void {
    if (this.#texts.length > 0) return;
    this.bufferedBytes -= this.#inFlightBytes;
    this.#inFlightBytes = 0;
  }
}
