import type { ClientKey, Session, Subscription, TenantStatus } from './model.ts';
import type { TenantId } from './tenant-id.ts';

/**
 * What operators' tools ask of everything that a tenant has. Not on any message path. Client ids come from an index
 * that is eventually consistent: they are hints, and the session itself decides.
 */
export interface TenantData {
  /** Client ids with a session row, ascending in UTF-8 byte order, behind `after`. */
  clientIds(
    tenant: TenantId,
    after: string | undefined,
    limit: number,
  ): Promise<{ clientIds: string[]; more: boolean }>;
  /** Session rows of at most 100 clients, consistently, in no order; absent ones are left out. */
  sessions(tenant: TenantId, clientIds: readonly string[]): Promise<Session[]>;
  /** The subscriptions that one generation of a session has made, consistently. */
  subscriptionsOf(key: ClientKey, generation: string): Promise<Subscription[]>;
  /**
   * Subscriptions with exactly this filter, a page at a time, consistently.
   * @param after `next` of the page before.
   */
  subscribers(
    tenant: TenantId,
    filter: string,
    after: string | undefined,
    limit: number,
  ): Promise<{ subscriptions: Subscription[]; next?: string }>;
  /**
   * Deletes everything that a client has left: its subscriptions, queue, marks, Will, and at last its session. A crash
   * leaves the session row, so the index leads here again.
   */
  eraseClient(key: ClientKey): Promise<void>;
  /** Deletes the tenant's retained messages, shared messages and usage. */
  eraseTenant(tenant: TenantId): Promise<void>;
  /** The status in the tenant's configuration, consistently; undefined: there is no such tenant. */
  tenantStatus(tenant: TenantId): Promise<TenantStatus | undefined>;
  /** Deletes the tenant's own rows. Call it last: until then the deletion can be started again. */
  deleteTenant(tenant: TenantId): Promise<void>;
}
