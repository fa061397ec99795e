import type { Channel } from './channel.ts';

/**
 * The channels of this process: the part of the gateway port that reaches its own clients. Numbers
 * count up and are never used again.
 */
export class Channels {
  readonly edge: string;
  readonly #byNumber = new Map<number, Channel>();
  #last = -1;

  constructor(edge: string) {
    this.edge = edge;
  }

  /** The number of the next channel. */
  nextNumber(): number {
    this.#last += 1;
    return this.#last;
  }

  add(channel: Channel): void {
    this.#byNumber.set(channel.number, channel);
  }

  remove({ number }: Channel): void {
    this.#byNumber.delete(number);
  }

  get all(): Iterable<Channel> {
    return this.#byNumber.values();
  }

  get size(): number {
    return this.#byNumber.size;
  }

  post(number: number, text: string): 'sent' | 'gone' {
    return this.#byNumber.get(number)?.push(text) === true ? 'sent' : 'gone';
  }

  /** @returns whether there was such a channel. */
  close(number: number): boolean {
    const channel = this.#byNumber.get(number);
    void channel?.close();
    return channel !== undefined;
  }

  /** In ms since 1970; undefined: the channel has closed. */
  lastActiveAtMs(number: number): number | undefined {
    return this.#byNumber.get(number)?.lastActiveAtMs;
  }
}
