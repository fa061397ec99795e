import { connectByte, maxFrameWork, packetWork, subscribeByte } from '../wire/limits.ts';
import { concatBytes, packetLength, splitPackets } from '../wire/packets.ts';

/** Bytes of a fixed header: what the broker needs of a packet whose length is not allowed. */
const maxFixedHeaderBytes = 5;

/** Packets that are handled together. */
export interface Batch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether pushes must wait for the replies: it holds CONNECT or SUBSCRIBE. */
  readonly holdsPushes: boolean;
}

/** Bytes of a client that have not been handled. */
export class Inbound {
  /** Bytes that wait, in complete packets and behind them. */
  waitingBytes = 0;
  #pieces: Uint8Array[] = [];
  /** Bytes missing from the incomplete packet: until they arrive, splitting again is useless. */
  #missingBytes = 0;
  #packets: Uint8Array[] = [];
  #isBroken = false;

  /**
   * Takes bytes in pieces of any size. Of a packet whose length is malformed or beyond the limit it
   * keeps the header, for which the broker ends the connection, and nothing behind it.
   */
  write(bytes: Uint8Array): void {
    if (this.#isBroken) return;
    this.waitingBytes += bytes.length;
    this.#pieces.push(bytes);
    this.#missingBytes -= bytes.length;
    if (this.#missingBytes > 0) return;
    const { packets, rest, error } = splitPackets(
      this.#pieces.length === 1 ? bytes : concatBytes(this.#pieces),
    );
    this.#packets.push(...packets);
    if (error === undefined) {
      this.#pieces = rest.length === 0 ? [] : [rest];
      this.#missingBytes = packetLength(rest) - rest.length;
      return;
    }
    this.#isBroken = true;
    this.#pieces = [];
    this.#packets.push(rest.subarray(0, maxFixedHeaderBytes));
  }

  /** The next packets, within the work of one frame (docs/wire.md). */
  next(): Batch | undefined {
    let count = 0;
    let work = 0;
    let bytes = 0;
    let holdsPushes = false;
    for (const { 0: first = 0, length } of this.#packets) {
      const isSubscription = (first & ~0x20) === subscribeByte;
      work += isSubscription ? length : packetWork;
      if (count > 0 && work > maxFrameWork) break;
      count += 1;
      bytes += length;
      holdsPushes ||= first === subscribeByte || first === connectByte;
    }
    if (count === 0) return undefined;
    this.waitingBytes = Math.max(0, this.waitingBytes - bytes);
    return { bytes: concatBytes(this.#packets.splice(0, count)), holdsPushes };
  }

  /** Forgets what waits. */
  clear(): void {
    this.#isBroken = true;
    this.#pieces = [];
    this.#packets = [];
    this.waitingBytes = 0;
  }
}
