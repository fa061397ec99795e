import { ChunkAssembler } from '../wire/assembler.ts';
import type { Bytes } from '../wire/base64.ts';
import type { ServerFrame } from '../wire/decode.ts';
import type { WireError } from '../wire/error.ts';

const connack = 0x20;
const disconnect = 0xe0;

type Failure = WireError | { readonly kind: 'error'; readonly message: string };

/**
 * What the server sends. Route responses and pushes are not ordered against each other, so pushes wait until a reply
 * that begins with CONNACK has gone to the MQTT library: to it, CONNACK comes first [MQTT-3.2.0-1 v3+v5]. Two pushes do not wait, since the server closes the
 * connection after them and their frame may never get a reply: one that begins with CONNACK, one that begins with
 * DISCONNECT.
 */
export class Inbox {
  readonly #assembler = new ChunkAssembler();
  readonly #held: Bytes[] = [];
  #isConnected = false;

  /** Whole packets for the MQTT library, in order. */
  receive(frame: ServerFrame | WireError): Bytes[] | Failure {
    const whole = frame.kind === 'chunk' ? this.#assembler.accept(frame) : frame;
    if ('message' in whole) return whole;
    if (!('bytes' in whole)) return [];
    const { kind, bytes } = whole;
    const isConnack = bytes[0] === connack;
    this.#isConnected ||= isConnack && kind === 'reply';
    if (this.#isConnected) return [bytes, ...this.#held.splice(0)];
    if (isConnack || kind === 'reply' || bytes[0] === disconnect) return [bytes];
    this.#held.push(bytes);
    return [];
  }
}
