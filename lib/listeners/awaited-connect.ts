import { readConnectHeader } from './connect-header.ts';

/** Shared, because each array takes 200 bytes, and clients are many. */
export const nothing: Uint8Array = new Uint8Array();

/** More than the header of CONNECT has. */
const maxHeaderBytes = 32;

/**
 * Follows what a client writes until its CONNECT is complete, and calls `onLate` if that takes
 * longer than `timeoutMs`: also if the client goes on writing, a byte at a time. It keeps the
 * header only. What does not begin a CONNECT is not its matter, and ends it.
 */
export class AwaitedConnect {
  #deadline: NodeJS.Timeout | undefined;
  #begun = nothing;
  #received = 0;
  #connectBytes: number | undefined;

  constructor(timeoutMs: number, onLate: () => void) {
    this.#deadline = setTimeout(onLate, timeoutMs);
  }

  get isOver(): boolean {
    return this.#deadline === undefined;
  }

  receive(bytes: Uint8Array): void {
    if (this.isOver) return;
    this.#received += bytes.length;
    if (this.#connectBytes === undefined) {
      this.#begun = Buffer.concat([this.#begun, bytes.subarray(0, maxHeaderBytes)]);
      const header = readConnectHeader(this.#begun);
      if (header === 'incomplete') return;
      this.#connectBytes = header === 'not-connect' ? 0 : header.packetBytes;
    }
    if (this.#received >= this.#connectBytes) this.end();
  }

  end(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    this.#begun = nothing;
  }
}
