import { isUtf8 } from 'node:buffer';
import { Refusal } from './errors.ts';

/** Reads the data types of MQTT (section 1.5 of 5.0) out of one packet, and throws a Refusal at its end. */
export class ByteReader {
  readonly bytes: Buffer;
  at = 0;
  readonly end: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    return this.bytes.readUInt8(this.#advance(1));
  }

  twoByteInteger(): number {
    return this.bytes.readUInt16BE(this.#advance(2));
  }

  fourByteInteger(): number {
    return this.bytes.readUInt32BE(this.#advance(4));
  }

  /** At most four bytes, and no more than needed [MQTT-1.5.5-1 of 5.0]. */
  variableByteInteger(): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw new Refusal('malformed-length');
        return value;
      }
    }
    throw new Refusal('malformed-length');
  }

  binary(): Buffer {
    const length = this.twoByteInteger();
    const start = this.#advance(length);
    return this.bytes.subarray(start, start + length);
  }

  /**
   * Well-formed UTF-8 without U+0000 [MQTT-1.5.3-1, MQTT-1.5.3-2 of 3.1.1; MQTT-1.5.4-1, MQTT-1.5.4-2 of 5.0]. U+FEFF
   * stays where it is [MQTT-1.5.3-3; MQTT-1.5.4-3]. Other control and non-characters, which a receiver may refuse, pass.
   */
  text(): string {
    const bytes = this.binary();
    if (!isUtf8(bytes)) throw new Refusal('malformed-utf8');
    if (bytes.includes(0)) throw new Refusal('null-character');
    return bytes.toString('utf8');
  }

  #advance(count: number): number {
    const start = this.at;
    if (start + count > this.end) throw new Refusal('length-mismatch');
    this.at = start + count;
    return start;
  }
}
