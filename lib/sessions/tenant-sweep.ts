import { concurrently } from '../core/concurrently.ts';
import type { Context } from '../core/context.ts';
import type { Timer } from '../core/ports.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { disconnectClient } from './disconnect-client.ts';

export type TenantSweep = Extract<Timer, { kind: 'tenant-sweep' }>;

/** Clients that one timer handles: far fewer than its 30 seconds allow. */
const clientsPerSweep = 100;
const sweepsAtOnce = 16;

/**
 * Walks the clients of a tenant that has been suspended (and disconnects them) or is being deleted (and erases them),
 * a page per timer. Handlers that had begun before the change, and processes that trusted the old configuration for
 * some more seconds, may add to what the walk has passed; so a second walk follows when these have settled. The
 * tenant's own rows go last: until then whoever deletes the tenant again starts the walk anew.
 *
 * Run twice, or after the tenant has been resumed, it does no harm.
 */
export async function sweepTenant(context: Context, sweep: TenantSweep): Promise<void> {
  const { tenant, goal } = sweep;
  const status = await context.tenantData.tenantStatus(tenant);
  if (status !== (goal === 'erase' ? 'deleting' : 'suspended')) return;
  const page = await context.tenantData.clientIds(tenant, sweep.after, clientsPerSweep);
  await concurrently(page.clientIds, sweepsAtOnce, (clientId) =>
    goal === 'erase' ? erase(context, tenant, clientId) : disconnect(context, tenant, clientId, 'publish'),
  );
  const nowMs = context.clock.nowMs();
  const last = page.clientIds.at(-1);
  if (page.more && last !== undefined) {
    await context.timers.schedule({ ...sweep, after: last }, nowMs);
    return;
  }
  if (!sweep.settled) {
    const next: TenantSweep = { kind: 'tenant-sweep', tenant, goal, settled: true };
    await context.timers.schedule(next, nowMs + context.settings.tenantSettleSeconds * 1000);
    return;
  }
  if (goal !== 'erase') return;
  await context.tenantData.eraseTenant(tenant);
  context.usage.forget(tenant);
  await context.tenantData.deleteTenant(tenant);
  context.log.info('tenant deleted', { tenant });
}

async function disconnect(
  context: Context,
  tenant: TenantId,
  clientId: string,
  will: 'publish' | 'discard',
): Promise<void> {
  await disconnectClient(
    context,
    { tenant, clientId },
    { code: 'tenant-inactive', message: 'the tenant is not active', will },
  );
}

async function erase(context: Context, tenant: TenantId, clientId: string): Promise<void> {
  await disconnect(context, tenant, clientId, 'discard');
  await context.tenantData.eraseClient({ tenant, clientId });
}
