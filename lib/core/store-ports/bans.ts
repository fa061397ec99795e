import type { ClientKey } from '../model.ts';
import type { TenantId } from '../tenant-id.ts';

/** A client identifier that may not connect for a while. */
export interface Ban {
  readonly clientId: string;
  readonly atMs: number;
  /** In ms since 1970. */
  readonly untilMs: number;
  /** `flapping`: the quota `banFlappingSeconds` has banned it. */
  readonly by: 'operator' | 'flapping';
  /** The operator's words, which the client is told. */
  readonly reason?: string;
}

/** Bans by client identifier. {@link TenantLive.bansUntilMs} says whether there may be any. */
export interface BanStore {
  /** Strongly consistent. A ban that is over is none. */
  get(key: ClientKey): Promise<Ban | undefined>;
  /**
   * Stores a ban in place of an earlier one of the client, then raises
   * {@link TenantLive.bansUntilMs}. Idempotent.
   * @returns false if there is no such tenant.
   */
  put(tenant: TenantId, ban: Ban): Promise<boolean>;
  /** @returns whether there was one. */
  end(key: ClientKey): Promise<boolean>;
  /** Bans in an order of their own, behind `after`, strongly consistent. */
  list(
    tenant: TenantId,
    after: string | undefined,
    limit: number,
  ): Promise<{ readonly bans: readonly Ban[]; readonly next?: string }>;
  /** Number of rows, counted up to `limit`; those that are over count until TTL deletes them. */
  count(tenant: TenantId, limit: number): Promise<number>;
}
