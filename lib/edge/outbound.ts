import type { ClientSide } from '../listeners/client-server.ts';
import { ChunkAssembler, decodeServerFrame } from '../wire/index.ts';

/** The side of a channel that writes to the client: what others push, and replies. */
export class Outbound {
  readonly #client: ClientSide;
  #assembler: ChunkAssembler | undefined;
  /** Pushes that wait for the reply of a frame; undefined: they are written at once. */
  #held: Uint8Array[] | undefined;

  constructor(client: ClientSide) {
    this.#client = client;
  }

  /**
   * Keeps pushes back until {@link release}: CONNACK must come first, and small clients take a
   * PUBLISH before SUBACK for an error.
   */
  hold(): void {
    this.#held ??= [];
  }

  /** Writes replies, then what was held. */
  release(replies: readonly Uint8Array[]): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const bytes of replies) this.#client.write(bytes);
    for (const bytes of held) this.#client.write(bytes);
  }

  /**
   * Writes a text message of the wire profile. This service has encoded it, so what is no such
   * message is a fault of it.
   * @throws TypeError for such a text.
   */
  push(text: string): void {
    const bytes = this.#packetsOf(text);
    if (bytes === undefined) return;
    if (this.#held === undefined) this.#client.write(bytes);
    else this.#held.push(bytes);
  }

  /** The packets of a text; undefined: some chunks are still to come. */
  #packetsOf(text: string): Uint8Array | undefined {
    const frame = decodeServerFrame(text);
    if (frame.kind === 'packets') return frame.bytes;
    if (frame.kind !== 'chunk') throw new TypeError(`not a message to a client: ${frame.kind}`);
    this.#assembler ??= new ChunkAssembler();
    const assembled = this.#assembler.accept(frame);
    if (assembled.kind === 'pending') return undefined;
    if (assembled.kind === 'invalid') throw new TypeError(`not a message to a client: ${assembled.code}`);
    return assembled.bytes;
  }
}
