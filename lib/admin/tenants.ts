import { newTenantSchema, type TenantConfig, tenantConfigFormatVersion } from '../auth/index.ts';
import { concurrently } from '../core/concurrently.ts';
import { tenantQuotasSchema } from '../core/quotas.ts';
import { laneOf } from '../delivery/rules.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody } from '../http/read.ts';
import { needsSecret } from '../http/rule-secret.ts';
import { allRules } from '../limits/rules.ts';
import { wakeRule } from '../rules/run/outage.ts';
import type { TenantSweep } from '../sessions/tenant-sweep.ts';
import { pageLimit, pageStart, pageToken } from './paging.ts';
import { type AdminCall, type AdminOperation, tenantOf } from './request.ts';
import { changeConfig, isoTime, notDeleting, tenantJson } from './tenant-config.ts';

export const listTenants: AdminOperation = async ({ context, request: { query } }) => {
  const { tenants, more } = await context.tenantAdmin.list(pageStart(query, 1)?.[0], pageLimit(query));
  const last = tenants.at(-1);
  return {
    status: 200,
    body: {
      tenants: tenants.map(({ name, status, createdAtMs }) => ({
        name,
        status,
        createdAt: isoTime(createdAtMs),
      })),
      ...(more && last !== undefined ? { next: pageToken(last.name) } : {}),
    },
  };
};

/** Creates a tenant. Idempotent: the same request again finds it. */
export const createTenant: AdminOperation = async (call) => {
  const { context, request } = call;
  const tenant = tenantOf(call);
  const config: TenantConfig = {
    ...jsonBody(request, newTenantSchema, 'tenant-config'),
    formatVersion: tenantConfigFormatVersion,
    status: 'active',
    createdAtMs: context.clock.nowMs(),
  };
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
  const quotas = jsonBody(call.request, tenantQuotasSchema, 'tenant-config');
  return changeConfig(call, (config) => ({ ...notDeleting(config), quotas }));
};

/** Refuses tokens and frames from now on; connected clients are disconnected within seconds. */
export const suspendTenant: AdminOperation = async (call) => {
  const response = await changeConfig(call, (config) => ({ ...notDeleting(config), status: 'suspended' }));
  await startSweep(call, 'disconnect');
  return response;
};

/** What waited for it in rows of rules is delivered at once. Repeat the call if it fails. */
export const resumeTenant: AdminOperation = async (call) => {
  const response = await changeConfig(call, (config) => ({ ...notDeleting(config), status: 'active' }));
  const { context } = call;
  const tenant = tenantOf(call);
  if (context.ruleQueue !== undefined)
    await concurrently(await allRules(context, tenant), wokenAtOnce, ({ rule }) =>
      wakeRule(context, { tenant, rule: rule.name }, laneOf(rule)),
    );
  return response;
};

/** Rules that the resumption of a tenant wakes at a time. */
const wokenAtOnce = 8;

/**
 * Refuses all clients from now on and erases everything that the tenant has. Answers at once; the
 * tenant shows as `deleting` until nothing is left, then as unknown. A repeated request starts the
 * erasure again, should it be lost.
 */
export const deleteTenant: AdminOperation = async (call) => {
  const response = await changeConfig(call, (config) => ({ ...config, status: 'deleting' }));
  // Now nobody adds a rule any more.
  await deleteRuleSecrets(call);
  await startSweep(call, 'erase');
  return { ...response, status: 202 };
};

/**
 * The erasure works on tables only. Where rules are off there are none to be deleted: they have to
 * be removed before they are switched off (docs/upgrading.md).
 */
async function deleteRuleSecrets(call: AdminCall): Promise<void> {
  const { rules, ruleSecrets, ruleQueue } = call.context;
  if (ruleQueue === undefined) return;
  const tenant = tenantOf(call);
  let after: string | undefined;
  for (let more = true; more; ) {
    const page = await rules.list(tenant, after, rulesAtOnce);
    for (const { rule } of page.rules) if (needsSecret(rule)) await ruleSecrets.delete(tenant, rule.name);
    after = page.rules.at(-1)?.rule.name;
    more = page.more;
  }
}

const rulesAtOnce = 100;

async function startSweep(call: AdminCall, goal: TenantSweep['goal']): Promise<void> {
  const { timers, clock } = call.context;
  const sweep: TenantSweep = { kind: 'tenant-sweep', tenant: tenantOf(call), goal, settled: false };
  await timers.schedule(sweep, clock.nowMs());
}
