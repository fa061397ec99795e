import type { RetainedMessage } from '../model.ts';
import type { TenantId } from '../tenant-id.ts';

/** Retained messages, one per topic. */
export interface RetainedStore {
  /** @returns the message that was replaced. */
  put(tenant: TenantId, message: RetainedMessage): Promise<RetainedMessage | undefined>;
  /** @returns the message that was deleted. */
  delete(tenant: TenantId, topic: string): Promise<RetainedMessage | undefined>;
  get(tenant: TenantId, topic: string): Promise<RetainedMessage | undefined>;
  /** The messages of different topics, strongly consistent, in no order, without absent ones. */
  getMany(tenant: TenantId, topics: readonly string[]): Promise<RetainedMessage[]>;
  /**
   * Messages whose topic starts with `prefix` and is ≥ `from` (UTF-8 byte order), ascending,
   * strongly consistent.
   */
  page(
    tenant: TenantId,
    prefix: string,
    from: string,
    limit: number,
  ): Promise<{ messages: RetainedMessage[]; more: boolean }>;
}
