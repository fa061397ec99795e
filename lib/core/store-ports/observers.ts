import type { TenantId } from '../tenant-id.ts';

/**
 * An operator's temporary session: a client that may subscribe to these filters until then, at QoS
 * 0, and do nothing else.
 */
export interface Observer {
  /** 0 …: its row, and part of its password. */
  readonly slot: number;
  /** Unique. */
  readonly clientId: string;
  readonly filters: readonly string[];
  /** SHA-256 of its password, base64url. */
  readonly passwordHash: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** Temporary sessions of operators; a tenant has one row for each slot. */
export interface ObserverStore {
  /**
   * The observer in a slot, expired or not; strongly consistent.
   * @param tenantName unverified, but a valid tenant name
   */
  find(tenantName: string, slot: number): Promise<Observer | undefined>;
  /** Those that have not expired, among the first `slots`; strongly consistent. */
  list(tenant: TenantId, slots: number): Promise<Observer[]>;
  /** @returns false, without a change, where another observer that has not expired has the slot. */
  add(tenant: TenantId, observer: Observer): Promise<boolean>;
  /** Ends an observer: its password is no longer accepted. Idempotent. */
  end(tenant: TenantId, observer: Observer): Promise<void>;
}
