import { type TenantConfig, tenantConfigFormatVersion } from '../auth/index.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody, onlyKnown } from '../http/read.ts';
import type { TenantSweep } from '../sessions/tenant-sweep.ts';
import { pageLimit, pageStart, pageToken } from './paging.ts';
import { type AdminCall, type AdminOperation, tenantOf } from './request.ts';
import { changed, configFrom, notDeleting, tenantJson, time } from './tenant-config.ts';

export const listTenants: AdminOperation = async ({ context, request: { query } }) => {
  const { tenants, more } = await context.tenantAdmin.list(pageStart(query, 1)?.[0], pageLimit(query));
  const last = tenants.at(-1);
  return {
    status: 200,
    body: {
      tenants: tenants.map(({ name, status, createdAtMs }) => ({
        name,
        status,
        createdAt: time(createdAtMs),
      })),
      ...(more && last !== undefined ? { next: pageToken(last.name) } : {}),
    },
  };
};

/** Makes a tenant; the same request again finds it made. */
export const createTenant: AdminOperation = async (call) => {
  const { context, request } = call;
  const tenant = tenantOf(call);
  const body = jsonBody(request);
  onlyKnown(body, ['issuers', 'quotas']);
  const config = configFrom({
    ...body,
    issuers: body.issuers ?? [],
    formatVersion: tenantConfigFormatVersion,
    status: 'active',
    createdAtMs: context.clock.nowMs(),
  });
  if (await context.tenantAdmin.create(tenant, config))
    return { status: 201, body: tenantJson(tenant, config) };
  const existing = await context.tenantAdmin.show(tenant);
  if (existing === undefined) throw new Problem('tenant-busy');
  if (existing.status === 'deleting') throw new Problem('tenant-deleting');
  if (JSON.stringify(given(existing)) !== JSON.stringify(given(config))) throw new Problem('tenant-exists');
  return { status: 200, body: tenantJson(tenant, existing) };
};

function given({ issuers, quotas }: TenantConfig): unknown {
  return [issuers, Object.entries(quotas ?? {}).sort()];
}

export const showTenant: AdminOperation = async (call) => {
  const tenant = tenantOf(call);
  const config = await call.context.tenantAdmin.show(tenant);
  if (config === undefined) throw new Problem('tenant-unknown');
  return { status: 200, body: tenantJson(tenant, config) };
};

/** Replaces the quotas as a whole. */
export const setQuotas: AdminOperation = async (call) => {
  const quotas = jsonBody(call.request);
  return changed(call, (config) => configFrom({ ...notDeleting(config), quotas }));
};

/** From now on tokens and frames are refused; connected clients are disconnected within seconds. */
export const suspendTenant: AdminOperation = async (call) => {
  const response = await changed(call, (config) => ({ ...notDeleting(config), status: 'suspended' }));
  await startSweep(call, 'disconnect');
  return response;
};

export const resumeTenant: AdminOperation = (call) =>
  changed(call, (config) => ({ ...notDeleting(config), status: 'active' }));

/**
 * Lets nobody in any more, then erases everything that the tenant has. Answers at once; the tenant shows as `deleting`
 * until nothing is left, then as unknown. Asked again it starts the erasure again, in case that was lost.
 */
export const deleteTenant: AdminOperation = async (call) => {
  const response = await changed(call, (config) => ({ ...config, status: 'deleting' }));
  await startSweep(call, 'erase');
  return { ...response, status: 202 };
};

async function startSweep(call: AdminCall, goal: TenantSweep['goal']): Promise<void> {
  const { timers, clock } = call.context;
  const sweep: TenantSweep = { kind: 'tenant-sweep', tenant: tenantOf(call), goal, settled: false };
  await timers.schedule(sweep, clock.nowMs());
}
