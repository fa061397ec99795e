import { Heap } from './heap.ts';
import type { Message } from './message.ts';

/**
 * Messages that are received in order, one batch at a time: a FIFO group. In a standard queue each
 * message is its own lane (fair-lanes.ts), so both kinds of queue follow one rule.
 */
export interface Lane {
  readonly messages: Message[];
}

interface LaneState extends Lane {
  /** Number of the lane's latest heap entry. The heap ignores older entries. */
  entryNumber: number;
  /** Between `takeDue` and `putBack`. */
  isTaken: boolean;
}

interface HeapEntry {
  readonly lane: LaneState;
  readonly entryNumber: number;
  readonly dueMs: number;
  readonly sequence: number;
}

/** Messages by lane. Finds the lane that is due first in logarithmic time. */
export class Lanes {
  readonly #keyOf: (message: Message) => string;
  readonly #laneByKey = new Map<string, LaneState>();
  readonly #heap = new Heap<HeapEntry>((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence);
  #entryCount = 0;

  constructor(keyOf: (message: Message) => string) {
    this.#keyOf = keyOf;
  }

  add(message: Message): void {
    const key = this.#keyOf(message);
    const lane = this.#laneByKey.get(key) ?? { messages: [], entryNumber: 0, isTaken: false };
    this.#laneByKey.set(key, lane);
    lane.messages.push(message);
    this.#schedule(lane);
  }

  remove(message: Message): void {
    const key = this.#keyOf(message);
    const lane = this.#laneByKey.get(key);
    if (!lane) return;
    lane.messages.splice(lane.messages.indexOf(message), 1);
    if (lane.messages.length === 0) this.#laneByKey.delete(key);
    this.#schedule(lane);
  }

  get isEmpty(): boolean {
    return this.#laneByKey.size === 0;
  }

  /** Must follow a change of the message's `visibleAtMs`. */
  reschedule(message: Message): void {
    const lane = this.#laneByKey.get(this.#keyOf(message));
    if (lane) this.#schedule(lane);
  }

  /** Milliseconds since 1970 at which the next lane is due; undefined without messages. */
  nextDueMs(): number | undefined {
    return this.#next()?.dueMs;
  }

  /** Takes the lane that is due first. It does not come again until `putBack`. */
  takeDue(nowMs: number): Lane | undefined {
    const entry = this.#next();
    if (!entry || entry.dueMs > nowMs) return undefined;
    this.#heap.pop();
    entry.lane.isTaken = true;
    return entry.lane;
  }

  putBack(lane: Lane): void {
    const state = lane as LaneState;
    state.isTaken = false;
    this.#schedule(state);
  }

  *messages(): Generator<Message> {
    for (const lane of this.#laneByKey.values()) yield* lane.messages;
  }

  /**
   * A lane is due when all its messages in flight are visible again, else when its first one is.
   */
  #schedule(lane: LaneState): void {
    const head = lane.messages[0];
    if (lane.isTaken || !head) return;
    let dueMs = head.visibleAtMs;
    for (const message of lane.messages) {
      if (message.receiptHandle === undefined) break;
      dueMs = Math.max(dueMs, message.visibleAtMs);
    }
    this.#entryCount += 1;
    lane.entryNumber = this.#entryCount;
    this.#heap.push({ lane, entryNumber: lane.entryNumber, dueMs, sequence: head.sequence });
  }

  #next(): HeapEntry | undefined {
    for (let entry = this.#heap.top; entry; entry = this.#heap.top) {
      const { lane, entryNumber } = entry;
      if (entryNumber === lane.entryNumber && !lane.isTaken && lane.messages.length > 0) return entry;
      this.#heap.pop();
    }
    return undefined;
  }
}
