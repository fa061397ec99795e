import type { Context } from '../core/context.ts';
import type { EffectiveQuotas } from '../core/quotas.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { UsageGauges } from '../core/usage.ts';

/** Share of a default up to which a process trusts what it has learned earlier. */
const trustedShare = 0.9;

/**
 * The tenant's gauges, for a comparison with its quotas of the same names. A quota below the
 * default is compared with gauges of the last 5 seconds. A default bounds what runs away, so a
 * process that is far from it relies on what its own writes have told it, and no CONNECT or
 * retained message pays for a read.
 */
export async function gaugesFor(
  context: Context,
  tenant: TenantId,
  quotas: EffectiveQuotas,
  names: readonly (keyof UsageGauges)[],
): Promise<UsageGauges> {
  const { defaultQuotas } = context.settings;
  const known = context.usage.knownGauges(tenant);
  const isFar = names.every(
    (name) => quotas[name] >= defaultQuotas[name] && known[name] < trustedShare * quotas[name],
  );
  return isFar ? known : context.usage.gauges(tenant);
}
