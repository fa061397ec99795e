import type { TenantAdmin } from '../auth/index.ts';
import type { Context } from '../core/context.ts';

/**
 * The context of admin operations: the context of the broker, and the store of tenants'
 * configurations.
 */
export interface AdminContext extends Context {
  readonly tenantAdmin: TenantAdmin;
}
