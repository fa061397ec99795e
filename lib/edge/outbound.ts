import type { ClientSide } from '../listeners/client-server.ts';
import { ChunkAssembler, decodeServerFrame } from '../wire/index.ts';

/** First byte of CONNACK. */
const connackByte = 0x20;

/** Bytes of pushes that may wait for the reply of a frame; a client with more is disconnected. */
const maxHeldBytes = 4 * 1024 * 1024;

/** The side of a channel that writes to the client: what others push, and replies. */
export class Outbound {
  readonly #client: ClientSide;
  #assembler: ChunkAssembler | undefined;
  /** Pushes that wait for the reply of a frame; undefined: they are written at once. */
  #held: Uint8Array[] | undefined;
  #heldBytes = 0;
  /** Whether the client awaits CONNACK. */
  #isConnecting = false;
  #hasConnack = false;

  constructor(client: ClientSide) {
    this.#client = client;
  }

  /** Bytes of pushes that wait for a reply. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Keeps pushes back until {@link release}: CONNACK must come first, and small clients take a
   * PUBLISH before SUBACK for an error.
   */
  hold(isConnecting: boolean): void {
    this.#held ??= [];
    this.#isConnecting = isConnecting && !this.#hasConnack;
  }

  /** Writes replies, then what was held. */
  release(replies: readonly Uint8Array[]): void {
    for (const bytes of replies) {
      this.#hasConnack ||= bytes[0] === connackByte;
      this.#client.write(bytes);
    }
    for (const bytes of this.#takeHeld()) this.#client.write(bytes);
    this.#isConnecting = false;
  }

  /**
   * Writes what was held before the end of the connection. A client that awaits CONNACK gets a
   * CONNACK alone [MQTT-3.2.0-1 v3+v5].
   */
  releaseLast(): void {
    for (const bytes of this.#takeHeld())
      if (!this.#isConnecting || bytes[0] === connackByte) this.#client.write(bytes);
  }

  /** Forgets what was held, and writes the last packet to a client that has had CONNACK. */
  fail(last: Uint8Array | undefined): void {
    this.#takeHeld();
    if (last !== undefined && !this.#isConnecting) this.#client.write(last);
  }

  /**
   * Writes a text message of the wire profile.
   *
   * @returns whether it was one, and whether there was room for it.
   */
  push(text: string): boolean {
    const bytes = this.#packetsOf(text);
    if (bytes === undefined || bytes === 'pending') return bytes === 'pending';
    if (this.#held === undefined) {
      this.#client.write(bytes);
      return true;
    }
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    return this.#heldBytes <= maxHeldBytes;
  }

  #takeHeld(): Uint8Array[] {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#heldBytes = 0;
    return held;
  }

  /** The packets of a text; undefined: it is no message to a client. */
  #packetsOf(text: string): Uint8Array | 'pending' | undefined {
    const frame = decodeServerFrame(text);
    if (frame.kind === 'packets') return frame.bytes;
    if (frame.kind !== 'chunk') return undefined;
    this.#assembler ??= new ChunkAssembler();
    let assembled = this.#assembler.accept(frame);
    if (assembled.kind === 'invalid' && assembled.code === 'too-many-unfinished') {
      // Senders that have failed between two chunks have left the others.
      this.#assembler = new ChunkAssembler();
      assembled = this.#assembler.accept(frame);
    }
    if (assembled.kind === 'pending') return 'pending';
    return assembled.kind === 'packet' ? assembled.bytes : undefined;
  }
}
