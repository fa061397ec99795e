import type { ClientKey, Session, Subscription, TenantStatus } from './model.ts';
import type { TenantId } from './tenant-id.ts';

/**
 * All rows of a tenant, for operators' tools and timers; not on any message path. Client ids come
 * from an eventually consistent index: they are hints, and the session row decides.
 */
export interface TenantData {
  /** Client ids with a session row, in ascending UTF-8 byte order, starting behind `after`. */
  clientIds(
    tenant: TenantId,
    after: string | undefined,
    limit: number,
  ): Promise<{ clientIds: string[]; more: boolean }>;
  /** Session rows of at most 100 clients, strongly consistent, in no order, without absent ones. */
  sessions(tenant: TenantId, clientIds: readonly string[]): Promise<Session[]>;
  /** The subscriptions of one generation of a session, strongly consistent. */
  subscriptionsOf(key: ClientKey, generation: string): Promise<Subscription[]>;
  /**
   * Subscriptions with exactly this filter, a page at a time, strongly consistent.
   * @param after `next` of the previous page.
   */
  subscribers(
    tenant: TenantId,
    filter: string,
    after: string | undefined,
    limit: number,
  ): Promise<{ subscriptions: Subscription[]; next?: string }>;
  /**
   * Deletes a client's subscriptions, queue, marks, Will, and last its session row. After a crash
   * the session row is still there, so the index leads to the client again.
   */
  eraseClient(key: ClientKey): Promise<void>;
  /**
   * Deletes the tenant's retained messages, shared messages and usage, and its rules with their
   * records.
   */
  eraseTenant(tenant: TenantId): Promise<void>;
  /** The status in the tenant's configuration, strongly consistent; undefined: no such tenant. */
  tenantStatus(tenant: TenantId): Promise<TenantStatus | undefined>;
  /** Deletes the tenant's own rows. Call it last: until then the deletion can be repeated. */
  deleteTenant(tenant: TenantId): Promise<void>;
}
