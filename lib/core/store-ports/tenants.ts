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
}
