import type { Bytes } from '../wire/base64.ts';
import { connackByte, pubrelByte } from '../wire/limits.ts';

/**
 * Orders what the server sends. Route responses and pushes are not ordered against each other, so
 * pushed messages are held until the reply with CONNACK, and while a frame with SUBSCRIBE awaits
 * its reply with SUBACK: the MQTT library must see CONNACK and SUBACK first. Only pushes that begin
 * with PUBLISH or PUBREL are held. The last push of a connection begins with another packet, and
 * the outstanding frame may never get a reply.
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
   *
   * @param isSubscribing whether a frame with SUBSCRIBE awaits its reply
   */
  accept(kind: 'reply' | 'packets' | 'packet', bytes: Bytes, isSubscribing: boolean): Bytes[] {
    const first = bytes[0] as number;
    if (kind === 'reply') {
      if (first === connackByte) this.connackLength = bytes[1] as number;
    } else if (
      (!this.connackLength || isSubscribing || this.#held[0]) &&
      (first >> 4 === 3 || first === pubrelByte)
    ) {
      this.#held.push(bytes);
      return [];
    }
    return this.connackLength && !isSubscribing ? [bytes, ...this.#held.splice(0)] : [bytes];
  }
}
