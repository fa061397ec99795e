import type { TenantAdmin } from '../auth/index.ts';
import type { Context } from '../core/context.ts';
import type { RuleParts } from '../http/rule-resource.ts';

/** The context of the broker, and the store of tenants' configurations. */
export interface OperatorContext extends Context {
  readonly tenantAdmin: TenantAdmin;
}

/** The context of admin operations. */
export interface AdminContext extends OperatorContext, RuleParts {}
