/**
 * Bytes of a client that do not count, and for which it is never ended: most clients have a message
 * under way at some time.
 */
export const uncountedBytes = 4_096;

/**
 * The bytes of all clients that wait in this process: to be read by them, or to be handled.
 *
 * A client may hold as many as are free, so the more all hold together the less each may: those
 * that hold most are ended first, and all together never hold more than the budget and
 * {@link uncountedBytes} each.
 */
export class BufferBudget {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  change(by: number): void {
    this.#bytes += by;
  }

  /** @param own bytes of one client, which are counted already. */
  hasRoomFor(own: number): boolean {
    return own <= Math.max(uncountedBytes, this.#maxBytes - this.#bytes);
  }
}

/** The part of a client in the budget. */
export abstract class BufferedClient {
  readonly #budget: BufferBudget;
  #held = 0;
  #counted = 0;

  constructor(budget: BufferBudget) {
    this.#budget = budget;
  }

  /** Bytes that the socket has not taken; 0 when it has closed. */
  protected abstract unsentBytes(): number;

  /** Counts the client's bytes anew. @returns whether there is room for them. */
  protected count(): boolean {
    const bytes = this.#held + this.unsentBytes();
    this.#budget.change(bytes - this.#counted);
    this.#counted = bytes;
    return this.#budget.hasRoomFor(bytes);
  }

  /** See {@link ClientSide.hold}. */
  hold(bytes: number): boolean {
    this.#held = bytes > uncountedBytes ? bytes : 0;
    return this.count();
  }
}
