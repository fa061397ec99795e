import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { Heap } from './heap.ts';
import type { Duplicate, Journal } from './journal.ts';
import type { Message, MessageAttribute } from './message.ts';
import { createQueueMeters } from './meters.ts';

export interface QueueDefinition {
  /** 0–43,200. How long a received message stays hidden unless deleted. Default 30. */
  readonly visibilityTimeoutSeconds?: number;
  /** 0–900, for messages that name no delay. Default 0. */
  readonly delaySeconds?: number;
  /** FIFO: the SHA-256 of the body serves as the deduplication id of messages without one. Default false. */
  readonly contentBasedDeduplication?: boolean;
  /** Messages received `maxReceiveCount` times without being deleted move there, at the next receive. */
  readonly deadLetter?: { readonly queue: string; readonly maxReceiveCount: number };
  /** Default 345,600: four days. */
  readonly retentionSeconds?: number;
}

export interface NewMessage {
  readonly body: string;
  readonly messageAttributes?: Readonly<Record<string, MessageAttribute>>;
  readonly delaySeconds?: number;
  readonly groupId?: string;
  readonly deduplicationId?: string;
}

export interface QueueCounts {
  readonly visible: number;
  readonly delayed: number;
  readonly inFlight: number;
}

/** "Exactly-once processing in Amazon SQS": a deduplication id counts for five minutes. */
const deduplicationMs = 5 * 60 * 1000;

/**
 * What is received in order and one batch at a time: a FIFO group. In a standard queue every message is a lane
 * of its own, so that one rule serves both.
 */
interface Lane {
  readonly messages: Message[];
  /** Of the newest place in the heap; older places are void. */
  place: number;
}

interface Place {
  readonly lane: Lane;
  readonly place: number;
  readonly atMs: number;
  readonly sequence: number;
}

export interface QueueContext {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly nextSequence: () => number;
  readonly deadLetterQueue: (name: string) => Queue | undefined;
}

/** One queue: messages, their visibility, order within groups, deduplication, dead letters. */
export class Queue {
  readonly name: string;
  readonly arn: string;
  readonly definition: QueueDefinition;
  readonly meters = createQueueMeters();
  readonly #context: QueueContext;
  readonly #lanes = new Map<string, Lane>();
  readonly #messageByReceipt = new Map<string, Message>();
  readonly #places = new Heap<Place>((a, b) => a.atMs - b.atMs || a.sequence - b.sequence);
  readonly #duplicates = new Map<string, Duplicate>();
  readonly #listeners = new Set<() => void>();
  #cancelWake = () => {};
  #placeCount = 0;

  constructor(name: string, arn: string, definition: QueueDefinition, context: QueueContext) {
    this.name = name;
    this.arn = arn;
    this.definition = definition;
    this.#context = context;
  }

  get isFifo(): boolean {
    return this.name.endsWith('.fifo');
  }

  /** Takes back what was stored. Whoever had a message in flight is gone, so it is visible again. */
  restore(messages: readonly Message[], duplicates: ReadonlyMap<string, Duplicate>): void {
    const nowMs = this.#context.clock.now();
    for (const message of messages.toSorted((a, b) => a.sequence - b.sequence)) {
      if (message.receiptHandle !== undefined) {
        delete message.receiptHandle;
        message.visibleAtMs = nowMs;
      }
      this.#add(message);
    }
    const byExpiry = [...duplicates].sort(([, a], [, b]) => a.expiresAtMs - b.expiresAtMs);
    for (const [id, duplicate] of byExpiry) this.#duplicates.set(id, duplicate);
  }

  /** Resolves when the message is stored. A duplicate within five minutes is taken and dropped. */
  async send(newMessage: NewMessage): Promise<Pick<Message, 'messageId' | 'sequence'>> {
    const { clock, journal, nextSequence } = this.#context;
    const nowMs = clock.now();
    const { deduplicationId } = newMessage;
    if (deduplicationId !== undefined) {
      this.#forgetDuplicates(nowMs);
      const duplicate = this.#duplicates.get(deduplicationId);
      if (duplicate) {
        // The first may still be on its way to the disk, and this answer promises that it is there.
        await journal.flush();
        return duplicate;
      }
    }
    const { delaySeconds = this.definition.delaySeconds ?? 0, ...content } = newMessage;
    const message: Message = {
      ...content,
      messageId: randomUUID(),
      sequence: nextSequence(),
      sentAtMs: nowMs,
      visibleAtMs: nowMs + delaySeconds * 1000,
      receiveCount: 0,
    };
    const writes = [journal.save(this.name, message)];
    if (deduplicationId !== undefined) {
      const { messageId, sequence } = message;
      const duplicate = { messageId, sequence, expiresAtMs: nowMs + deduplicationMs };
      this.#duplicates.set(deduplicationId, duplicate);
      writes.push(journal.saveDuplicate(this.name, deduplicationId, duplicate));
    }
    try {
      await Promise.all(writes);
    } catch (error) {
      if (deduplicationId !== undefined) this.#duplicates.delete(deduplicationId);
      throw error;
    }
    this.#add(message);
    this.#wake();
    return message;
  }

  /** Up to `max` visible messages, hidden from now on; of a FIFO group only while none of it is in flight. */
  receive(max: number, visibilityTimeoutSeconds = this.definition.visibilityTimeoutSeconds ?? 30): Message[] {
    const nowMs = this.#context.clock.now();
    const received: Message[] = [];
    const lanes: Lane[] = [];
    while (received.length < max) {
      const place = this.#nextPlace();
      if (!place || place.atMs > nowMs) break;
      this.#places.pop();
      const { lane } = place;
      for (let index = 0; index < lane.messages.length && received.length < max; ) {
        const message = lane.messages[index];
        if (!message || message.visibleAtMs > nowMs) break;
        if (this.#hasOutlived(message, nowMs) || this.#isDead(message)) {
          this.#bury(message, nowMs);
          continue;
        }
        index += 1;
        this.#releaseReceipt(message);
        message.receiptHandle = randomUUID();
        message.receiveCount += 1;
        message.firstReceivedAtMs ??= nowMs;
        message.visibleAtMs = nowMs + visibilityTimeoutSeconds * 1000;
        this.#messageByReceipt.set(message.receiptHandle, message);
        this.#save(message);
        received.push(message);
      }
      // A burial may have placed the lane again: it has had its turn.
      lane.place = 0;
      lanes.push(lane);
    }
    // Only now: with a visibility timeout of 0 a message would come twice.
    for (const lane of lanes) this.#placeLane(lane);
    this.#scheduleWake();
    return received;
  }

  /** False for a receipt that is not the newest of a message: it was received again, or deleted. */
  delete(receiptHandle: string): boolean {
    const message = this.#messageByReceipt.get(receiptHandle);
    if (!message) return false;
    this.#drop(message);
    this.#wake();
    return true;
  }

  /** Hides a message in flight for so long from now; 0 makes it visible. */
  changeVisibility(receiptHandle: string, timeoutSeconds: number): boolean {
    const message = this.#messageByReceipt.get(receiptHandle);
    const nowMs = this.#context.clock.now();
    if (!message || message.visibleAtMs <= nowMs) return false;
    message.visibleAtMs = nowMs + timeoutSeconds * 1000;
    this.#save(message);
    const lane = this.#lanes.get(this.#laneKey(message));
    if (lane) this.#placeLane(lane);
    this.#wake();
    return true;
  }

  counts(): QueueCounts {
    const nowMs = this.#context.clock.now();
    const counts = { visible: 0, delayed: 0, inFlight: 0 };
    for (const lane of this.#lanes.values()) {
      for (const { visibleAtMs, receiptHandle } of lane.messages) {
        if (visibleAtMs <= nowMs) counts.visible += 1;
        else if (receiptHandle === undefined) counts.delayed += 1;
        else counts.inFlight += 1;
      }
    }
    return counts;
  }

  /** Calls back whenever a message may have become visible; the returned function ends that. */
  onVisible(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  close(): void {
    this.#cancelWake();
    this.#listeners.clear();
  }

  #laneKey(message: Message): string {
    return this.isFifo ? (message.groupId ?? '') : message.messageId;
  }

  #add(message: Message): void {
    const key = this.#laneKey(message);
    const lane = this.#lanes.get(key) ?? { messages: [], place: 0 };
    this.#lanes.set(key, lane);
    lane.messages.push(message);
    this.#placeLane(lane);
  }

  #drop(message: Message): void {
    this.#releaseReceipt(message);
    const key = this.#laneKey(message);
    const lane = this.#lanes.get(key);
    if (!lane) return;
    lane.messages.splice(lane.messages.indexOf(message), 1);
    if (lane.messages.length === 0) this.#lanes.delete(key);
    this.#placeLane(lane);
    // A lost deletion is a second delivery, which SQS allows.
    this.#context.journal.remove(this.name, message).catch(() => {});
  }

  #bury(message: Message, nowMs: number): void {
    const target = this.#hasOutlived(message, nowMs)
      ? undefined
      : this.#context.deadLetterQueue(this.definition.deadLetter?.queue ?? '');
    if (target) target.#adopt(message, this.arn);
    this.#drop(message);
  }

  #adopt(message: Message, sourceArn: string): void {
    const moved: Message = {
      ...message,
      sequence: this.#context.nextSequence(),
      deadLetterSourceArn: sourceArn,
      visibleAtMs: this.#context.clock.now(),
    };
    delete moved.receiptHandle;
    this.#add(moved);
    this.#save(moved);
    this.#wake();
  }

  #isDead(message: Message): boolean {
    const { deadLetter } = this.definition;
    return deadLetter !== undefined && message.receiveCount >= deadLetter.maxReceiveCount;
  }

  #hasOutlived(message: Message, nowMs: number): boolean {
    return nowMs - message.sentAtMs > (this.definition.retentionSeconds ?? 345_600) * 1000;
  }

  #releaseReceipt(message: Message): void {
    if (message.receiptHandle !== undefined) this.#messageByReceipt.delete(message.receiptHandle);
  }

  #save(message: Message): void {
    // What is lost here is the count of a receive or a visibility: after a restart all are visible anyway.
    this.#context.journal.save(this.name, message).catch(() => {});
  }

  /** A lane is due when its last message in flight is visible again, else when its first message is. */
  #placeLane(lane: Lane): void {
    this.#placeCount += 1;
    lane.place = this.#placeCount;
    const head = lane.messages[0];
    if (!head) return;
    let atMs = head.visibleAtMs;
    for (const message of lane.messages) {
      if (message.receiptHandle === undefined) break;
      atMs = Math.max(atMs, message.visibleAtMs);
    }
    this.#places.push({ lane, place: lane.place, atMs, sequence: head.sequence });
  }

  #nextPlace(): Place | undefined {
    for (let place = this.#places.top; place; place = this.#places.top) {
      if (place.place === place.lane.place && place.lane.messages.length > 0) return place;
      this.#places.pop();
    }
    return undefined;
  }

  #wake(): void {
    const place = this.#nextPlace();
    if (place && place.atMs <= this.#context.clock.now())
      for (const listener of [...this.#listeners]) listener();
    this.#scheduleWake();
  }

  #scheduleWake(): void {
    this.#cancelWake();
    const place = this.#nextPlace();
    const waitMs = place ? place.atMs - this.#context.clock.now() : 0;
    // What is visible already waits for a receive, not for time.
    this.#cancelWake = waitMs > 0 ? this.#context.clock.schedule(() => this.#wake(), waitMs) : () => {};
  }

  #forgetDuplicates(nowMs: number): void {
    for (const [id, { expiresAtMs }] of this.#duplicates) {
      // In the order of arrival, hence of expiry.
      if (expiresAtMs > nowMs) break;
      this.#duplicates.delete(id);
      this.#context.journal.removeDuplicate(this.name, id).catch(() => {});
    }
  }
}
