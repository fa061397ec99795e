import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { DeduplicationWindow } from './deduplication.ts';
import { FairLanes } from './fair-lanes.ts';
import type { Duplicate, Journal } from './journal.ts';
import { type Lane, Lanes } from './lanes.ts';
import type { Message, NewMessage } from './message.ts';
import { createQueueMeters } from './meters.ts';

export interface QueueDefinition {
  /** 0–43,200. How long a received message stays hidden unless it is deleted. Default 30. */
  readonly visibilityTimeoutSeconds?: number;
  /** 0–900, for messages without a delay of their own. Default 0. */
  readonly delaySeconds?: number;
  /** FIFO: messages without a deduplication id get the SHA-256 of their body. Default false. */
  readonly contentBasedDeduplication?: boolean;
  /** A message that was received `maxReceiveCount` times moves there at the next receive. */
  readonly deadLetter?: { readonly queue: string; readonly maxReceiveCount: number };
  /** Default 345,600 (four days). */
  readonly retentionSeconds?: number;
}

export interface QueueCounts {
  readonly visible: number;
  readonly delayed: number;
  readonly inFlight: number;
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
  readonly #lanes: Lanes | FairLanes;
  readonly #deduplication: DeduplicationWindow;
  readonly #messageByReceipt = new Map<string, Message>();
  readonly #listeners = new Set<() => void>();
  #cancelWake = () => {};

  constructor(name: string, arn: string, definition: QueueDefinition, context: QueueContext) {
    this.name = name;
    this.arn = arn;
    this.definition = definition;
    this.#context = context;
    this.#lanes = this.isFifo ? new Lanes(({ groupId }) => groupId ?? '') : new FairLanes();
    this.#deduplication = new DeduplicationWindow(name, context.journal);
  }

  get isFifo(): boolean {
    return this.name.endsWith('.fifo');
  }

  /**
   * Restores stored messages. Those in flight become visible: their consumer ended with the
   * process.
   */
  restore(messages: readonly Message[], duplicates: ReadonlyMap<string, Duplicate>): void {
    const nowMs = this.#context.clock.now();
    for (const message of messages.toSorted((a, b) => a.sequence - b.sequence)) {
      if (message.receiptHandle !== undefined) {
        delete message.receiptHandle;
        message.visibleAtMs = nowMs;
      }
      this.#lanes.add(message);
    }
    this.#deduplication.restore(duplicates);
  }

  /**
   * Resolves when the message is stored. A duplicate within five minutes is accepted and dropped.
   */
  async send(newMessage: NewMessage): Promise<Pick<Message, 'messageId' | 'sequence'>> {
    const { clock, journal, nextSequence } = this.#context;
    const nowMs = clock.now();
    const { deduplicationId } = newMessage;
    if (deduplicationId !== undefined) {
      const duplicate = this.#deduplication.find(deduplicationId, nowMs);
      if (duplicate) {
        // The first message may not be stored yet, and this answer promises that it is.
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
    if (deduplicationId !== undefined)
      writes.push(this.#deduplication.remember(deduplicationId, message, nowMs));
    try {
      await Promise.all(writes);
    } catch (error) {
      if (deduplicationId !== undefined) this.#deduplication.forget(deduplicationId);
      throw error;
    }
    this.#lanes.add(message);
    this.#wake();
    return message;
  }

  /**
   * Hides and returns up to `max` visible messages. A FIFO group with messages in flight is
   * skipped.
   */
  receive(max: number, visibilityTimeoutSeconds = this.definition.visibilityTimeoutSeconds ?? 30): Message[] {
    const nowMs = this.#context.clock.now();
    const received: Message[] = [];
    const taken: Lane[] = [];
    while (received.length < max) {
      const lane = this.#lanes.takeDue(nowMs);
      if (!lane) break;
      taken.push(lane);
      for (let index = 0; index < lane.messages.length && received.length < max; ) {
        const message = lane.messages[index];
        if (!message || message.visibleAtMs > nowMs) break;
        if (this.#hasExpired(message, nowMs)) {
          this.#drop(message);
          continue;
        }
        if (this.#isDead(message)) {
          this.#moveToDeadLetterQueue(message);
          continue;
        }
        index += 1;
        this.#releaseReceipt(message);
        message.receiptHandle = randomUUID();
        this.#countInFlight(message, 1);
        message.receiveCount += 1;
        message.firstReceivedAtMs ??= nowMs;
        message.visibleAtMs = nowMs + visibilityTimeoutSeconds * 1000;
        this.#messageByReceipt.set(message.receiptHandle, message);
        this.#save(message);
        received.push(message);
      }
    }
    // After the loop: with a visibility timeout of 0 a message would otherwise be received twice.
    for (const lane of taken) this.#lanes.putBack(lane);
    this.#scheduleWake();
    return received;
  }

  /** False if the receipt is not the latest of a message: it was received again, or deleted. */
  delete(receiptHandle: string): boolean {
    const message = this.#messageByReceipt.get(receiptHandle);
    if (!message) return false;
    this.#drop(message);
    this.#wake();
    return true;
  }

  /** Hides a message in flight for `timeoutSeconds` from now; 0 makes it visible. */
  changeVisibility(receiptHandle: string, timeoutSeconds: number): boolean {
    const message = this.#messageByReceipt.get(receiptHandle);
    const nowMs = this.#context.clock.now();
    if (!message || message.visibleAtMs <= nowMs) return false;
    message.visibleAtMs = nowMs + timeoutSeconds * 1000;
    this.#save(message);
    this.#lanes.reschedule(message);
    this.#wake();
    return true;
  }

  counts(): QueueCounts {
    const nowMs = this.#context.clock.now();
    const counts = { visible: 0, delayed: 0, inFlight: 0 };
    for (const { visibleAtMs, receiptHandle } of this.#lanes.messages()) {
      if (visibleAtMs <= nowMs) counts.visible += 1;
      else if (receiptHandle === undefined) counts.delayed += 1;
      else counts.inFlight += 1;
    }
    return counts;
  }

  /**
   * Calls `listener` whenever a message may have become visible. @returns a function that stops it.
   */
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

  #drop(message: Message): void {
    this.#releaseReceipt(message);
    this.#lanes.remove(message);
    // A lost deletion means a second delivery, which SQS allows.
    this.#context.journal.remove(this.name, message).catch(() => {});
  }

  #moveToDeadLetterQueue(message: Message): void {
    const target = this.#context.deadLetterQueue(this.definition.deadLetter?.queue ?? '');
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
    this.#lanes.add(moved);
    this.#save(moved);
    this.#wake();
  }

  #isDead(message: Message): boolean {
    const { deadLetter } = this.definition;
    return deadLetter !== undefined && message.receiveCount >= deadLetter.maxReceiveCount;
  }

  #hasExpired(message: Message, nowMs: number): boolean {
    return nowMs - message.sentAtMs > (this.definition.retentionSeconds ?? 345_600) * 1000;
  }

  #releaseReceipt(message: Message): void {
    if (message.receiptHandle === undefined) return;
    this.#messageByReceipt.delete(message.receiptHandle);
    this.#countInFlight(message, -1);
  }

  #countInFlight(message: Message, change: 1 | -1): void {
    if (this.#lanes instanceof FairLanes) this.#lanes.countInFlight(message, change);
  }

  #save(message: Message): void {
    // A lost write only loses a receive count or a visibility: a restart makes all messages
    // visible.
    this.#context.journal.save(this.name, message).catch(() => {});
  }

  #wake(): void {
    const dueMs = this.#lanes.nextDueMs();
    if (dueMs !== undefined && dueMs <= this.#context.clock.now())
      for (const listener of [...this.#listeners]) listener();
    this.#scheduleWake();
  }

  #scheduleWake(): void {
    this.#cancelWake();
    const { clock } = this.#context;
    const waitMs = (this.#lanes.nextDueMs() ?? 0) - clock.now();
    // A message that is visible already waits for a receive, not for a timer.
    this.#cancelWake = waitMs > 0 ? clock.schedule(() => this.#wake(), waitMs) : () => {};
  }
}
