import { blockOf } from '../core/edge-address.ts';
import type { BackDoor } from './options.ts';

/**
 * Counts the channels of each block, and stores the block before its first channel is used: the
 * sweep after the death of this process finds its connections by blocks.
 */
export class Blocks {
  readonly #backDoor: Pick<BackDoor, 'useBlock' | 'freeBlock'>;
  readonly #used = new Map<number, { channels: number; readonly stored: Promise<void> }>();

  constructor(backDoor: Pick<BackDoor, 'useBlock' | 'freeBlock'>) {
    this.#backDoor = backDoor;
  }

  /** Resolves when the channel's block is stored. After a failure the next channel tries again. */
  use(channel: number): Promise<void> {
    const block = blockOf(channel);
    const known = this.#used.get(block);
    if (known !== undefined) {
      known.channels += 1;
      return known.stored;
    }
    const stored = this.#backDoor.useBlock(block);
    stored.catch(() => this.#used.delete(block));
    this.#used.set(block, { channels: 1, stored });
    return stored;
  }

  /**
   * @param isLast whether no later channel can be in the block: numbers count up, so the block of
   *   the latest channel stays.
   */
  free(channel: number, isLast: (block: number) => boolean): void {
    const block = blockOf(channel);
    const known = this.#used.get(block);
    if (known === undefined) return;
    known.channels -= 1;
    if (known.channels > 0 || !isLast(block)) return;
    this.#used.delete(block);
    // A block that stays stored costs the sweep some reads.
    this.#backDoor.freeBlock(block).catch(() => undefined);
  }
}
