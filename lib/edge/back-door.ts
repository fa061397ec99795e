import { firstEdgeLook } from '../broker/edge-death.ts';
import { metrics } from '../core/metrics.ts';
import { decodeDoorMessage } from '../wire/back-door.ts';
import { type Door, openDoor, type SignHandshake, type Time } from './door.ts';
import type { BackDoor, BackDoorOptions } from './options.ts';

export interface BackDoorSource {
  /** WebSocket URL of the API of back doors. */
  readonly url: string;
  /** Signs handshakes with the credentials of this process (lib/aws/signer.ts). */
  readonly sign: SignHandshake;
  /** Default: that of the process. */
  readonly time?: Time;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

/** Time between two renewals of the lease, in milliseconds. */
const renewEveryMs = 3_000;
/**
 * Age of the last renewal beyond which the process handles nothing, in milliseconds. Less than the
 * 10 s after which others may declare it dead.
 */
const maxLeaseMs = 9_000;
/** Age at which another back door replaces an open one: API Gateway ends it after 2 hours. */
const rotateAfterMs = 110 * 60_000;
/** Time for which a replaced door stays open: others use its id for up to 5 s. */
const lingerMs = 10_000;
/** Time in which clients acknowledge what has reached them through a door that was lost. */
const settleMs = 5_000;
/** Longest pause between two attempts to connect, in milliseconds. */
const maxPauseMs = 5_000;
const firstPauseMs = 200;

const processTime: Time = {
  now: () => performance.now(),
  schedule(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * Opens the back door of an edge process, and keeps it and its lease.
 *
 * The lease is renewed only while a door is open and answers. Nothing may be handled once the last
 * renewal, counted from when it was sent, is older than 9 s: others may then declare the process
 * dead and end its connections.
 *
 * Resolves when others can reach the process. A crash before leaves a lease without blocks, which
 * the chain of looks ends.
 *
 * @throws when the API of back doors refuses the handshake, or the store fails.
 */
export function createBackDoor(source: BackDoorSource): (options: BackDoorOptions) => Promise<BackDoor> {
  return async (options) => {
    const lease = new Lease(source, options);
    await lease.begin();
    return lease;
  };
}

class Lease implements BackDoor {
  readonly #source: BackDoorSource;
  readonly #options: BackDoorOptions;
  readonly #time: Time;
  readonly #random: () => number;
  readonly #cancels = new Set<() => void>();
  readonly #waiting: ((isServing: boolean) => void)[] = [];
  readonly #doors = new Set<Door>();
  #door: Door | undefined;
  #isOver = false;
  /** When the last successful renewal was sent, by both clocks: time may stand still in one. */
  #renewedAt = { time: Number.NEGATIVE_INFINITY, nowMs: Number.NEGATIVE_INFINITY };
  /** The last value in the lease. Each renewal changes it. */
  #renewedAtMs = 0;

  constructor(source: BackDoorSource, options: BackDoorOptions) {
    this.#source = source;
    this.#options = options;
    this.#time = source.time ?? processTime;
    this.#random = source.random ?? Math.random;
  }

  async begin(): Promise<void> {
    const { edge, edges, timers, clock } = this.#options;
    try {
      const door = await this.#open();
      const sentAt = this.#now();
      await edges.begin(edge, door.id, this.#nextValue());
      await timers.schedule(firstEdgeLook(edge), clock.nowMs());
      this.#succeeded(sentAt);
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#renewLater();
  }

  isServing(): boolean {
    const { time, nowMs } = this.#now();
    const ageMs = Math.max(time - this.#renewedAt.time, nowMs - this.#renewedAt.nowMs);
    return !this.#isOver && ageMs < maxLeaseMs;
  }

  untilServing(): Promise<boolean> {
    if (this.#isOver || this.isServing()) return Promise.resolve(!this.#isOver);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async useBlock(block: number): Promise<void> {
    const { edge, edges } = this.#options;
    if (await edges.addBlock(edge, block)) return;
    this.#die();
    throw new Error('the edge has been declared dead');
  }

  freeBlock(block: number): Promise<void> {
    const { edge, edges } = this.#options;
    return edges.removeBlock(edge, block);
  }

  /**
   * Others read at once that the process is gone. What it has left in its blocks, the chain of
   * looks finds.
   */
  async close(): Promise<void> {
    const { edge, edges } = this.#options;
    const hasLease = !this.#isOver && this.#renewedAtMs > 0;
    this.#isOver = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    this.#door = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve(false);
    // Where that fails, the end of the door tells them.
    if (hasLease) await edges.declareDead(edge, this.#renewedAtMs).catch(() => false);
    for (const door of this.#doors) door.close();
  }

  /** Opens a door, which becomes the one that the next renewal names. */
  async #open(): Promise<Door> {
    const { edge, edges, clock } = this.#options;
    const { url, sign } = this.#source;
    const door = await openDoor({
      url,
      sign,
      time: this.#time,
      nowMs: () => clock.nowMs(),
      onMessage: (text) => this.#receive(text),
      onClose: () => {
        this.#doors.delete(door);
        if (this.#door === door) this.#lost();
      },
    });
    this.#doors.add(door);
    try {
      await edges.registerDoor(edge, door.id);
      if (this.#isOver || !this.#doors.has(door)) throw new Error('the back door has closed');
    } catch (error) {
      this.#doors.delete(door);
      door.close();
      throw error;
    }
    this.#door = door;
    this.#later(rotateAfterMs * (1 - this.#random() / 20), () => {
      if (this.#door === door) void this.#replace(door);
    });
    return door;
  }

  #lost(): void {
    this.#door = undefined;
    if (this.#isOver) return;
    this.#options.log.info('back door lost, another one is opened');
    this.#reopen(0);
  }

  /** Opens another door until that succeeds: at once, then after longer and longer pauses. */
  #reopen(attempt: number): void {
    const pauseMs = this.#random() * Math.min(maxPauseMs, firstPauseMs * 2 ** attempt);
    this.#later(pauseMs, async () => {
      try {
        await this.#open();
        await this.#renew();
        this.#later(settleMs, () => this.#options.onLost());
      } catch (error) {
        this.#options.log.warn('back door could not be opened', { error: messageOf(error) });
        if (this.#door === undefined) this.#reopen(attempt + 1);
      }
    });
  }

  /** The old door stays open until nobody uses its id any more. */
  async #replace(old: Door): Promise<void> {
    try {
      await this.#open();
      await this.#renew();
      this.#later(lingerMs, () => old.close());
    } catch (error) {
      this.#options.log.warn('back door could not be replaced', { error: messageOf(error) });
      this.#later(maxPauseMs, () => {
        if (this.#door === old) void this.#replace(old);
      });
    }
  }

  /** Renewals do not wait for each other: a slow one does not hold up the next. */
  #renewLater(): void {
    this.#later(renewEveryMs, () => {
      void this.#renew();
      this.#renewLater();
    });
  }

  async #renew(): Promise<void> {
    const { edge, edges, log } = this.#options;
    if (this.#door === undefined || this.#isOver) return;
    const sentAt = this.#now();
    try {
      if (await edges.renew(edge, this.#door.id, this.#nextValue())) this.#succeeded(sentAt);
      else this.#die();
    } catch (error) {
      log.warn('lease could not be renewed', { error: messageOf(error) });
    }
  }

  #succeeded(sentAt: { readonly time: number; readonly nowMs: number }): void {
    if (sentAt.time < this.#renewedAt.time || this.#isOver) return;
    this.#renewedAt = sentAt;
    if (this.isServing()) for (const resolve of this.#waiting.splice(0)) resolve(true);
  }

  #die(): void {
    if (this.#isOver) return;
    void this.close();
    this.#options.onDead();
  }

  #receive(text: string | undefined): void {
    const items = text === undefined ? undefined : decodeDoorMessage(text);
    if (items !== undefined) this.#options.receive(items);
    else this.#options.log.count(metrics.doorMessagesRefused);
  }

  #now(): { readonly time: number; readonly nowMs: number } {
    return { time: this.#time.now(), nowMs: this.#options.clock.nowMs() };
  }

  #nextValue(): number {
    this.#renewedAtMs = Math.max(this.#renewedAtMs + 1, this.#options.clock.nowMs());
    return this.#renewedAtMs;
  }

  #later(delayMs: number, callback: () => void): void {
    if (this.#isOver) return;
    const cancel = this.#time.schedule(() => {
      this.#cancels.delete(cancel);
      callback();
    }, delayMs);
    this.#cancels.add(cancel);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
