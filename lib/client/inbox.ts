import type { Bytes } from '../wire/base64.ts';
import { connackByte, disconnectByte } from '../wire/limits.ts';

/**
 * What the server sends. Route responses and pushes are not ordered against each other, so pushes wait until a reply
 * that begins with CONNACK has gone to the MQTT library: to it, CONNACK comes first [MQTT-3.2.0-1 v3+v5]. Two pushes do not wait, since the server closes the
 * connection after them and their frame may never get a reply: one that begins with CONNACK, one that begins with
 * DISCONNECT.
 */
export class Inbox {
  readonly #held: Bytes[] = [];
  /** Remaining length of the accepting CONNACK: 0 before it, 2 in MQTT 3, more in 5.0 (section 3.2.1). */
  connackLength = 0;

  /** Messages for the MQTT library, in order, now that a reply or push has come. */
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
