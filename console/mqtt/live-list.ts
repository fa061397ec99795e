import { type Signal, signal } from '@preact/signals';

/** Items that a live view keeps. */
export const maxLiveItems = 1_000;

/** Why a live view takes nothing at present. */
export type Pause = 'operator' | 'too-fast';

/**
 * The newest items of a stream, for a view. Items are shown with the next frame of the browser.
 * When more arrive between two frames than the view keeps, or in a hidden tab, the list pauses: it
 * counts what it leaves out instead of falling behind.
 */
export class LiveList<Item> {
  /** The oldest first. */
  readonly items: Signal<readonly Item[]> = signal([]);
  readonly pause: Signal<Pause | undefined> = signal(undefined);
  /** Items that came while the list paused. */
  readonly leftOut: Signal<number> = signal(0);
  /** All that came, kept or not. */
  readonly total: Signal<number> = signal(0);
  readonly #onFrame: (run: () => void) => void;
  #pending: Item[] = [];
  #arrived = 0;
  #missed = 0;
  #isScheduled = false;

  /** @param onFrame calls a function once, before the browser paints */
  constructor(onFrame: (run: () => void) => void) {
    this.#onFrame = onFrame;
  }

  add(item: Item): void {
    this.#arrived += 1;
    if (this.pause.peek() !== undefined) this.#missed += 1;
    else if (this.#pending.length < maxLiveItems) this.#pending.push(item);
    else {
      this.#missed += 1;
      this.pause.value = 'too-fast';
    }
    this.#schedule();
  }

  pauseNow(): void {
    this.pause.value = 'operator';
  }

  resume(): void {
    this.pause.value = undefined;
    this.leftOut.value = 0;
  }

  clear(): void {
    this.#pending = [];
    this.items.value = [];
    this.leftOut.value = 0;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#onFrame(() => {
      this.#isScheduled = false;
      this.total.value += this.#arrived;
      this.leftOut.value += this.#missed;
      if (this.#pending.length > 0)
        this.items.value = [...this.items.peek(), ...this.#pending].slice(-maxLiveItems);
      this.#pending = [];
      this.#arrived = 0;
      this.#missed = 0;
    });
  }
}
