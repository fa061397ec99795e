import type { Bytes } from '../wire/base64.ts';
import { connackByte, disconnectByte } from '../wire/limits.ts';

/**
 * Orders what the server sends. Route responses and pushes are not ordered against each other, so
 * pushes are held until a reply that begins with CONNACK has arrived: the MQTT library must see
 * CONNACK first. Two pushes are not held, because the server closes the connection after them and
 * the outstanding frame may never get a reply: one that begins with CONNACK and one that begins
 * with DISCONNECT.
 *
 * [MQTT-3.2.0-1 v3+v5]
 */
export class Inbox {
  readonly #held: Bytes[] = [];
  /**
   * Remaining length of the accepting CONNACK: 0 before it, 2 in MQTT 3, more in 5.0 (section
   * 3.2.1).
   */
  connackLength = 0;

  /**
   * Takes one reply or push and returns the messages that the MQTT library may have now, in order.
   */
  accept(kind: 'reply' | 'packets' | 'packet', bytes: Bytes): Bytes[] {
    const isReply = kind === 'reply';
    const isConnack = bytes[0] === connackByte;
    if (isConnack && isReply) this.connackLength = bytes[1] as number;
    if (this.connackLength) return [bytes, ...this.#held.splice(0)];
    if (isConnack || isReply || bytes[0] === disconnectByte) return [bytes];
    this.#held.push(bytes);
    return [];
  }
}
