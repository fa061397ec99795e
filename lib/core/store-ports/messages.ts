import type { FanoutSlice, Message } from '../model.ts';
import type { TenantId } from '../tenant-id.ts';

/** Messages stored once and referred to by several readers, and the progress of fan-out slices. */
export interface MessageStore {
  /** Whether one stored copy with references costs less than a copy in each of several queues. */
  isWorthSharing(message: Message): boolean;
  /** Stores messages for `keepSeconds`. Idempotent. */
  put(tenant: TenantId, messages: readonly Message[], keepSeconds: number): Promise<void>;
  /** The messages that exist, by id, strongly consistent. */
  get(tenant: TenantId, ids: readonly string[]): Promise<Map<string, Message>>;
  /** Progress of a slice; undefined: none has been stored. */
  progress(slice: FanoutSlice): Promise<SliceProgress | undefined>;
  setProgress(slice: FanoutSlice, progress: SliceProgress): Promise<void>;
  /**
   * Remembers a topic that `SubscriptionStore.markQueued` has marked, so that the erasure of the
   * tenant finds it.
   */
  noteQueuedTopic(tenant: TenantId, topic: string, untilMs: number): Promise<void>;
  /** Topics whose mark has not ended, strongly consistent. Reads 16 partitions. */
  queuedTopics(tenant: TenantId): Promise<string[]>;
}

export interface SliceProgress {
  /** All clients up to this position have received the messages; absent: none has. */
  readonly done?: string;
  /** Sending may have begun for clients up to this position. */
  readonly begun?: string;
}
