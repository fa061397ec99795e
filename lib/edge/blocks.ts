import { blockOf } from '../core/edge-address.ts';
import type { BackDoor } from './options.ts';

interface Block {
  channels: number;
  readonly stored: Promise<void>;
}

/**
 * Counts the channels of each block, and stores the block before its first channel is used: the
 * sweep after the death of this process finds its connections by blocks. Numbers of channels count
 * up, so the latest block stays stored while it may get more.
 */
export class Blocks {
  readonly #backDoor: Pick<BackDoor, 'useBlock' | 'freeBlock'>;
  readonly #used = new Map<number, Block>();
  #latest = 0;

  constructor(backDoor: Pick<BackDoor, 'useBlock' | 'freeBlock'>) {
    this.#backDoor = backDoor;
  }

  /** Resolves when the channel's block is stored. After a failure the next channel tries again. */
  use(channel: number): Promise<void> {
    const number = blockOf(channel);
    const known = this.#used.get(number);
    if (known !== undefined) {
      known.channels += 1;
      return known.stored;
    }
    const stored = this.#backDoor.useBlock(number);
    stored.catch(() => this.#used.delete(number));
    this.#used.set(number, { channels: 1, stored });
    const previous = this.#latest;
    this.#latest = number;
    this.#freeIfUnused(previous);
    return stored;
  }

  free(channel: number): void {
    const number = blockOf(channel);
    const block = this.#used.get(number);
    if (block === undefined) return;
    block.channels -= 1;
    this.#freeIfUnused(number);
  }

  #freeIfUnused(number: number): void {
    if (number === this.#latest || this.#used.get(number)?.channels !== 0) return;
    this.#used.delete(number);
    // A block that stays stored costs the sweep some reads.
    this.#backDoor.freeBlock(number).catch(() => undefined);
  }
}
