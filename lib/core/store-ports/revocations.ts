import type { RevocationTarget } from '../model.ts';
import type { TenantId } from '../tenant-id.ts';

/** Revocations of tokens that are otherwise still valid. */
export interface RevocationStore {
  /**
   * Revokes all tokens of `target` that were issued up to `atMs`. Then raises
   * `TenantLive.revokedAtMs` above every value that was stored before. Idempotent.
   * @param keepSeconds how long the revocation is stored: at least the remaining lifetime of tokens
   *   issued by now. Absent: without limit.
   * @returns false when there is no such tenant.
   */
  revoke(tenant: TenantId, target: RevocationTarget, atMs: number, keepSeconds?: number): Promise<boolean>;
  /**
   * The latest revocation of any of `targets` (ms since 1970), strongly consistent; undefined:
   * none.
   */
  latest(tenant: TenantId, targets: readonly RevocationTarget[]): Promise<number | undefined>;
}
