import { isTenantName, type TenantId, vouchedTenantId } from '../auth/index.ts';
import type { TenantLive } from '../core/model.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import { Problem } from '../http/problem.ts';
import type { AdminContext } from './context.ts';

/** The arguments of an admin operation. */
export interface AdminCall {
  readonly context: AdminContext;
  readonly request: HttpRequest;
  /** Values of the `{name}` levels of the route's path; never empty. */
  readonly path: Readonly<Record<string, string>>;
}

export type AdminOperation = (call: AdminCall) => Promise<HttpResponse>;

/** The tenant that the path names. The caller is the operator, so the name needs no token. */
export function tenantOf({ path }: AdminCall): TenantId {
  const name = path.tenant ?? '';
  if (!isTenantName(name)) throw new Problem('tenant-name');
  return vouchedTenantId(name);
}

/** The tenant that the path names. @throws Problem `tenant-unknown` */
export async function existingTenant(call: AdminCall): Promise<TenantId> {
  const tenant = tenantOf(call);
  if ((await call.context.tenantAdmin.show(tenant)) === undefined) throw new Problem('tenant-unknown');
  return tenant;
}

/**
 * The tenant that the path names, as publishing needs it.
 * @throws Problem `tenant-unknown`, `tenant-inactive`
 */
export async function activeTenant(call: AdminCall): Promise<{ tenant: TenantId; live: TenantLive }> {
  const tenant = tenantOf(call);
  const live = await call.context.tenants.readLive(tenant, true);
  if (live === undefined) throw new Problem('tenant-unknown');
  if (live.status !== 'active') throw new Problem('tenant-inactive');
  return { tenant, live };
}
