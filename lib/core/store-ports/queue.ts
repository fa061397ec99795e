import type { ClientKey, QueueEntry } from '../model.ts';

/** A message that is to be queued. */
export type QueuedMessage = Pick<QueueEntry, 'message' | 'share' | 'subscriptionIdentifiers'>;

/** How messages that are queued together are numbered. */
export interface QueueNumbering {
  /** Sequence numbers to allocate: at least one per message. */
  readonly numbers: number;
  /**
   * @param newestSequence the session's sequence after the allocation.
   * @returns the sequences of the messages, in their order, grouped by the write that stores them.
   */
  writes(newestSequence: number): number[][];
}

/**
 * The outbound queue of a session. Entries are keyed by packet identifier, a function of the
 * sequence. The store decides which messages one write stores together.
 */
export interface QueueStore {
  /** Numbers messages so that small ones share writes. */
  numberTogether(messages: readonly QueuedMessage[]): QueueNumbering;
  /** Numbers messages so that each is stored and deleted by itself. */
  numberApart(count: number): QueueNumbering;
  /**
   * Stores entries. Entries of one write must be passed together and have generation, connection
   * and batch in common.
   * @returns the entries that were not stored because their numbers are still in use.
   */
  put(key: ClientKey, entries: readonly QueueEntry[]): Promise<QueueEntry[]>;
  /**
   * Entries from the oldest to `newestSequence`, strongly consistent; at most `limit` entries and 1
   * MB. `more` tells that there may be further entries.
   */
  list(
    key: ClientKey,
    newestSequence: number,
    limit: number,
  ): Promise<{ entries: QueueEntry[]; more: boolean }>;
  get(key: ClientKey, packetIdentifier: number): Promise<QueueEntry | undefined>;
  /** Number of entries, strongly consistent, counted up to `limit`. */
  count(key: ClientKey, limit: number): Promise<number>;
  /**
   * Deletes the entries for which `isUnwanted` holds. Reads the whole queue.
   * @returns their number.
   */
  deleteWhere(key: ClientKey, isUnwanted: (entry: QueueEntry) => boolean): Promise<number>;
  /** Idempotent. */
  delete(key: ClientKey, packetIdentifiers: readonly number[]): Promise<void>;
  /** QoS 2: marks entries as released and drops their payload. @returns those that exist. */
  release(key: ClientKey, packetIdentifiers: readonly number[]): Promise<ReadonlySet<number>>;
  /**
   * Makes `sequence` the only delivery of message `messageId` to this session. The first sequence
   * that asks owns the message for as long as a publisher may try again.
   * @returns the sequence that owns it.
   */
  own(key: ClientKey, generation: string, messageId: string, sequence: number): Promise<number>;
  /** The sequence that owns message `messageId` ({@link own}); undefined: none has asked. */
  owner(
    key: ClientKey,
    generation: string,
    messageId: string,
  ): Promise<Pick<QueueEntry, 'sequence' | 'packetIdentifier'> | undefined>;
  /**
   * Deletes the queue entries and marks that one generation of a session left. Idempotent.
   * @param handOver receives the entries that came through shared subscriptions, oldest first,
   *   before they are deleted: after a crash they are handed over again rather than lost.
   */
  sweep(
    key: ClientKey,
    generation: string,
    handOver?: (shared: readonly QueueEntry[]) => Promise<void>,
  ): Promise<void>;
}
