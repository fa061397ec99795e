import { connectByte, maxFrameWork, maxPacketBytes, packetWork, subscribeByte } from '../wire/limits.ts';
import { packetLength } from '../wire/packets.ts';

/** Bytes of a fixed header: what the broker needs of a packet whose length is not allowed. */
const maxFixedHeaderBytes = 5;

/** Packets that are handled together. */
export interface Batch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether pushes must wait for the replies: it holds CONNECT or SUBSCRIBE. */
  readonly holdsPushes: boolean;
  /** Whether CONNECT is its first packet. */
  readonly isConnect: boolean;
}

/**
 * Bytes of a client that have not been handled. They are split into packets as these are taken, so
 * that a large message costs no more at once than a batch, and pieces of a packet are gathered in
 * one buffer, so that many small ones take no more memory than their bytes twice.
 */
export class Inbound {
  #bytes: Uint8Array = new Uint8Array();
  #start = 0;
  #end = 0;
  /** Whether `#bytes` is a buffer of this object: those of others are not written to. */
  #isOwn = false;
  #isBroken = false;

  /** Bytes that wait, in complete packets and behind them. */
  get waitingBytes(): number {
    return this.#end - this.#start;
  }

  /** Whether a packet waits that is complete, or whose length is not allowed. */
  get hasPacket(): boolean {
    const length = this.#lengthAt(this.#start);
    return length < 0 || length > maxPacketBytes || (length > 0 && length <= this.waitingBytes);
  }

  /** Takes bytes in pieces of any size. */
  write(bytes: Uint8Array): void {
    if (this.#isBroken || bytes.length === 0) return;
    if (this.waitingBytes === 0) {
      this.#take(bytes, bytes.length, false);
      return;
    }
    const needed = this.waitingBytes + bytes.length;
    if (!this.#isOwn || this.#end + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * needed);
      larger.set(this.#bytes.subarray(this.#start, this.#end));
      this.#take(larger, this.waitingBytes, true);
    }
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * The next packets, within the work of one frame (docs/wire.md). Of a packet whose length is
   * malformed or beyond the limit it has the header, for which the broker ends the connection, and
   * nothing follows.
   */
  next(): Batch | undefined {
    const first = this.#bytes[this.#start];
    let at = this.#start;
    let work = 0;
    let holdsPushes = false;
    for (let count = 0; at < this.#end; count += 1) {
      const length = this.#lengthAt(at);
      if (length < 0 || length > maxPacketBytes) {
        if (count === 0) return this.#broken(at);
        break;
      }
      if (length === 0 || at + length > this.#end) break;
      const type = this.#bytes[at] ?? 0;
      // Also UNSUBSCRIBE, 0xA2, which differs by one bit.
      work += (type & ~0x20) === subscribeByte ? length : packetWork;
      if (count > 0 && work > maxFrameWork) break;
      holdsPushes ||= type === subscribeByte || type === connectByte;
      at += length;
    }
    if (at === this.#start) return undefined;
    const bytes = new Uint8Array(this.#bytes.subarray(this.#start, at));
    this.#start = at;
    if (this.waitingBytes === 0) this.#take(new Uint8Array(), 0, false);
    return { bytes, holdsPushes, isConnect: first === connectByte };
  }

  /** Forgets what waits, and takes nothing more. */
  clear(): void {
    this.#isBroken = true;
    this.#take(new Uint8Array(), 0, false);
  }

  #broken(at: number): Batch {
    const bytes = new Uint8Array(this.#bytes.subarray(at, Math.min(at + maxFixedHeaderBytes, this.#end)));
    this.clear();
    return { bytes, holdsPushes: false, isConnect: bytes[0] === connectByte };
  }

  #lengthAt(at: number): number {
    return packetLength(this.#bytes.subarray(at, Math.min(at + maxFixedHeaderBytes, this.#end)));
  }

  #take(bytes: Uint8Array, length: number, isOwn: boolean): void {
    this.#bytes = bytes;
    this.#start = 0;
    this.#end = length;
    this.#isOwn = isOwn;
  }
}
