import { concurrently } from '../core/concurrently.ts';
import type { Context } from '../core/context.ts';
import { refusal } from '../core/reasons.ts';
import type { Timer } from '../core/timers.ts';
import { disconnectClient } from './disconnect-client.ts';

export type TenantSweep = Extract<Timer, { kind: 'tenant-sweep' }>;

/** Clients that one timer handles: far fewer than its 30 seconds allow. */
const clientsPerSweep = 100;
const sweepsAtOnce = 16;

/**
 * Walks the clients of a tenant, one page per timer: disconnects them where the tenant has been
 * suspended, erases them where it is being deleted. Handlers that started before the change, and
 * processes that still cache the old configuration, may add to clients that the walk has passed; a
 * second walk follows after `tenantSettleSeconds`.
 *
 * A fan-out worker may begin before the last deletion and note its progress behind it. It delivers
 * nothing, because the sessions are gone, but leaves a row for its slice, which names up to two
 * clients and expires after 15 days.
 *
 * The tenant's own rows are deleted last: until then, deleting the tenant again restarts the walk.
 * Idempotent, and harmless where the tenant has been resumed.
 */
export async function sweepTenant(context: Context, sweep: TenantSweep): Promise<void> {
  const { tenant, goal } = sweep;
  const status = await context.tenantData.tenantStatus(tenant);
  if (status !== (goal === 'erase' ? 'deleting' : 'suspended')) return;
  const page = await context.tenantData.clientIds(tenant, sweep.after, clientsPerSweep);
  await concurrently(page.clientIds, sweepsAtOnce, async (clientId) => {
    const key = { tenant, clientId };
    await disconnectClient(
      context,
      key,
      refusal('tenant-inactive'),
      goal === 'erase' ? 'discard' : 'publish',
    );
    if (goal === 'erase') await context.tenantData.eraseClient(key);
  });
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
