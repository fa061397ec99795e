import { encodeBase64 } from '../wire/base64.ts';
import type { WireError } from '../wire/error.ts';
import { encodeChunks } from '../wire/frames.ts';
import {
  connectByte,
  disconnectByte,
  maxFrameBytes,
  maxFrameWork,
  packetWork,
  pingreqByte,
  pubackByte,
  pubcompByte,
  subscribeByte,
} from '../wire/limits.ts';
import { encodeOneWay, mayGoOneWay } from '../wire/one-way.ts';
import { concatBytes, packetLength, splitPackets } from '../wire/packets.ts';

/** Whether a packet ends a delivery to this client and has no answer. */
function isFinal({ 0: first }: Uint8Array): boolean {
  return first === pubackByte || first === pubcompByte;
}

/** Bytes that the MQTT library wrote and the server has not confirmed yet. */
export class Outbox {
  /** Unconfirmed bytes: queued, in an unfinished packet, and in flight. */
  bufferedAmount = 0;
  /** Whether the frame that awaits its reply holds a SUBSCRIBE. */
  isSubscribing = false;
  /** Final acknowledgements, which nothing answers, in the last frame: in part or nothing else. */
  acknowledges = false;
  acknowledgesOnly = false;
  /** Whether the last write holds anything else than these, DISCONNECT and answered PINGREQ. */
  isUrgent = false;
  /** Complete packets that were written, PINGREQ included. */
  packetsWritten = 0;
  #pieces: Uint8Array[] = [];
  /**
   * Bytes missing from the first incomplete packet: until they arrive, splitting again is useless.
   */
  #missingBytes = 0;
  #packets: Uint8Array[] = [];
  #texts: string[] = [];
  #chunkedPackets = 0;
  #inFlightBytes = 0;

  /**
   * Takes bytes in pieces of any size. After an error the packet boundaries are lost.
   *
   * @param answerPing if the keep-alive is the adapter's: called for each PINGREQ. It returns
   *   whether it has answered; if not, PINGREQ goes to the server. CONNECT then goes with a
   *   keep-alive of 0.
   */
  write(bytes: Uint8Array, answerPing?: (() => boolean) | false): WireError | undefined {
    this.isUrgent = false;
    this.bufferedAmount += bytes.length;
    this.#pieces.push(bytes);
    this.#missingBytes -= bytes.length;
    if (this.#missingBytes > 0) return undefined;
    const { packets, rest, error } = splitPackets(concatBytes(this.#pieces));
    this.#pieces = [rest];
    this.#missingBytes = packetLength(rest) - rest.length;
    this.packetsWritten += packets.length;
    for (const packet of packets) {
      if (answerPing && packet[0] === pingreqByte && answerPing()) {
        this.bufferedAmount -= packet.length;
        continue;
      }
      if (answerPing && packet[0] === connectByte) {
        // Behind the fixed header: the protocol name with its length, its level, the flags.
        let at = packet.findIndex((byte, index) => index > 0 && byte < 128) + 5;
        at += packet[at - 3] as number;
        packet.fill(0, at, at + 2);
      }
      this.#packets.push(packet);
      this.isUrgent ||= !isFinal(packet) && packet[0] !== disconnectByte;
    }
    return error;
  }

  /**
   * Returns the text of the next frame: as many whole packets as fit, in order, or one chunk. The
   * frame is one-way if `connackLength` ({@link Inbox.connackLength}) allows it, all its packets
   * may go one-way, and the queue is empty afterwards: under load, acknowledged frames are faster
   * and cost little more.
   *
   * @param mayPublish whether messages may go one-way
   * @param mayAcknowledge whether final acknowledgements may
   */
  next(connackLength: number | false, mayPublish = false, mayAcknowledge = false): string | undefined {
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
        packets.every((packet) =>
          isFinal(packet) ? mayAcknowledge : mayPublish && mayGoOneWay(packet, connackLength > 2),
        );
      this.acknowledges = packets.some(isFinal);
      this.acknowledgesOnly = packets.every(isFinal);
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
    this.isSubscribing = this.acknowledges = false;
  }
}
