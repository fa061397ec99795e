import type { Duplicate, Journal } from './journal.ts';
import type { Message } from './message.ts';

/** Five minutes ("Exactly-once processing in Amazon SQS"). */
const windowMs = 5 * 60 * 1000;

/** Deduplication ids that one queue has seen within the last five minutes. */
export class DeduplicationWindow {
  readonly #queue: string;
  readonly #journal: Journal;
  readonly #duplicateById = new Map<string, Duplicate>();

  constructor(queue: string, journal: Journal) {
    this.#queue = queue;
    this.#journal = journal;
  }

  restore(duplicates: ReadonlyMap<string, Duplicate>): void {
    const byExpiry = [...duplicates].sort(([, a], [, b]) => a.expiresAtMs - b.expiresAtMs);
    for (const [id, duplicate] of byExpiry) this.#duplicateById.set(id, duplicate);
  }

  /** The earlier message with this id; undefined outside the window. */
  find(id: string, nowMs: number): Duplicate | undefined {
    for (const [seen, { expiresAtMs }] of this.#duplicateById) {
      // The map is in order of arrival, hence of expiry.
      if (expiresAtMs > nowMs) break;
      this.#duplicateById.delete(seen);
      this.#journal.removeDuplicate(this.#queue, seen).catch(() => {});
    }
    return this.#duplicateById.get(id);
  }

  /** Takes effect at once; resolves when it is stored. */
  remember(id: string, { messageId, sequence }: Message, nowMs: number): Promise<void> {
    const duplicate = { messageId, sequence, expiresAtMs: nowMs + windowMs };
    this.#duplicateById.set(id, duplicate);
    return this.#journal.saveDuplicate(this.#queue, id, duplicate);
  }

  forget(id: string): void {
    this.#duplicateById.delete(id);
  }
}
