import { blockOf } from '../core/edge-address.ts';
import type { BackDoor } from './options.ts';

/** A block of channels that this process uses. */
export interface Block {
  readonly number: number;
  /** Channels of it in use. */
  channels: number;
  /** Resolves when the block is stored. */
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

  /**
   * The block of a channel, for {@link free}. Where storing it has failed, the next channel tries
   * again with another object, so that those that were refused are not counted with it.
   */
  use(channel: number): Block {
    const number = blockOf(channel);
    const known = this.#used.get(number);
    if (known !== undefined) {
      known.channels += 1;
      return known;
    }
    const block: Block = { number, channels: 1, stored: this.#backDoor.useBlock(number) };
    block.stored.catch(() => {
      if (this.#used.get(number) === block) this.#used.delete(number);
    });
    this.#used.set(number, block);
    const previous = this.#used.get(this.#latest);
    this.#latest = number;
    if (previous !== undefined) this.#freeIfUnused(previous);
    return block;
  }

  free(block: Block): void {
    block.channels -= 1;
    this.#freeIfUnused(block);
  }

  #freeIfUnused(block: Block): void {
    const { number, channels } = block;
    if (number === this.#latest || channels !== 0 || this.#used.get(number) !== block) return;
    this.#used.delete(number);
    // A block that stays stored costs the sweep some reads.
    this.#backDoor.freeBlock(number).catch(() => undefined);
  }
}
