import { isUtf8 } from 'node:buffer';
import { MqttRefusal } from './errors.ts';

/**
 * Reads the data types of MQTT (section 1.5 of 5.0) from one packet.
 * @throws MqttRefusal on a read beyond its end.
 */
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

  /** At most four bytes, and no more than needed. [MQTT-1.5.5-1 v5] */
  variableByteInteger(): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw new MqttRefusal('malformed-length');
        return value;
      }
    }
    throw new MqttRefusal('malformed-length');
  }

  binary(): Buffer {
    const length = this.twoByteInteger();
    const start = this.#advance(length);
    return this.bytes.subarray(start, start + length);
  }

  /**
   * Reads a UTF-8 encoded string; every string of a packet is read here. Control characters and
   * non-characters pass, although a receiver may refuse them.
   *
   * - well-formed UTF-8 without U+0000 [MQTT-1.5.3-1 v3, MQTT-1.5.3-2 v3, MQTT-1.5.4-1 v5,
   *   MQTT-1.5.4-2 v5]
   * - U+FEFF is kept [MQTT-1.5.3-3 v3, MQTT-1.5.4-3 v5]
   * - client identifier [MQTT-3.1.3-4 v3+v5]
   * - Will topic [MQTT-3.1.3-10 v3, MQTT-3.1.3-11 v5]
   * - user name [MQTT-3.1.3-11 v3, MQTT-3.1.3-12 v5]
   * - topic names [MQTT-3.3.2-1 v3+v5]
   * - topic filters [MQTT-3.8.3-1 v3+v5, MQTT-3.10.3-1 v3+v5]
   * - response topic [MQTT-3.3.2-13 v5]
   * - content type [MQTT-3.3.2-19 v5]
   * - name and value of user properties [MQTT-1.5.7-1 v5]
   */
  text(): string {
    const bytes = this.binary();
    if (!isUtf8(bytes)) throw new MqttRefusal('malformed-utf8');
    if (bytes.includes(0)) throw new MqttRefusal('null-character');
    return bytes.toString('utf8');
  }

  #advance(count: number): number {
    const start = this.at;
    if (start + count > this.end) throw new MqttRefusal('length-mismatch');
    this.at = start + count;
    return start;
  }
}
