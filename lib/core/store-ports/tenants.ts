import type { TenantLive } from '../model.ts';
import type { TenantId } from '../tenant-id.ts';

/** The tenant's row that every frame reads: status, shapes, latest revocation. */
export interface LiveTenantStore {
  /** @returns undefined when there is no such tenant. */
  readLive(tenant: TenantId, consistent: boolean): Promise<TenantLive | undefined>;
  /**
   * Adds a shape to all copies of the tenant's row. Idempotent: a call that crashed between the
   * copies is repaired by the next SUBSCRIBE with that shape.
   * @returns false when the tenant already has `maxShapes`.
   */
  addShape(tenant: TenantId, shape: string, maxShapes: number): Promise<boolean>;
  /**
   * Adds different shapes: all with one write per copy where there is room for all, else one by one
   * in order. A crash is repaired like that of {@link addShape}.
   * @returns the shapes that the tenant has now.
   */
  addShapes(tenant: TenantId, shapes: readonly string[], maxShapes: number): Promise<ReadonlySet<string>>;
  /** What all copies together hold, strongly consistent; undefined: there is no such tenant. */
  readShapes(tenant: TenantId): Promise<StoredShapes | undefined>;
  /**
   * Makes shapes go, in all copies: they no longer count and SUBSCRIBE adds them again, but
   * publishes are matched with them as before. Idempotent; a crash leaves copies that have moved
   * them and copies that have not, in which they only count.
   * @param mark names this call; no other call may use it.
   */
  markGoing(tenant: TenantId, shapes: readonly string[], mark: string): Promise<void>;
  /**
   * Ends what {@link markGoing} began, in all copies: brings back `used` and takes the marks away.
   * A shape of the marks that is not used, was not added again and has no other mark, is gone.
   * Idempotent.
   */
  settleGoing(
    tenant: TenantId,
    used: readonly string[],
    marks: readonly GoingMark[],
    dollarApart: boolean,
  ): Promise<void>;
  /**
   * Notes that a search for unused shapes starts.
   * @returns false when one started for that cause less than `minAgeMs` ago.
   */
  beginShapeSearch(tenant: TenantId, cause: 'full' | 'routine', minAgeMs: number): Promise<boolean>;
}

/** A shape that {@link LiveTenantStore.markGoing} has made go, and by which call. */
export interface GoingMark {
  readonly mark: string;
  readonly shape: string;
}

export interface StoredShapes {
  /** Shapes that count. */
  readonly shapes: ReadonlySet<string>;
  readonly going: readonly GoingMark[];
  readonly dollarApart: boolean;
}
