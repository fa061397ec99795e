import type { Context } from '../core/context.ts';
import type { Connection, RateUse, TenantLive } from '../core/model.ts';
import { type EffectiveQuotas, effectiveQuotas } from '../core/quotas.ts';
import { type MqttReasonName, type Refusal, refusal } from '../core/reasons.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { RateAmounts } from '../core/usage.ts';

/** Whose rates apply. */
export interface RateBearer {
  /** The tenant's quotas, narrowed by the client's token. */
  readonly quotas: EffectiveQuotas;
  /**
   * The client whose rates apply; absent: only the tenant's rates apply. `name` is unique across
   * tenants, `use` is `local` for a client without a connection.
   */
  readonly client?: { readonly name: string; readonly use: RateUse | undefined | 'local' };
}

/**
 * Takes amounts from the rates of a client and its tenant. The client's come first: what they
 * refuse takes nothing from the tenant's.
 *
 * @returns the refusal, which the caller notes (refusals.ts).
 */
export function ratesRefusal<Name extends MqttReasonName>(
  context: Context,
  tenant: TenantId,
  { quotas, client }: RateBearer,
  amounts: RateAmounts,
  codes: { readonly client: Name; readonly tenant: Name },
): Refusal<Name> | undefined {
  const { usage, clock } = context;
  const isClientFast =
    client !== undefined &&
    !usage.clientRates.admits(client.name, quotas, client.use, amounts, clock.nowMs());
  if (!isClientFast && usage.admits(tenant, quotas, amounts)) return undefined;
  return refusal(isClientFast ? codes.client : codes.tenant);
}

/**
 * Takes packets from the rates of a client and its tenant for work that is done already. It counts
 * against what comes next, ten seconds of the rate at most.
 */
export function chargePackets(
  { usage, settings }: Context,
  { tenant, address, quotas }: Connection,
  live: TenantLive,
  packets: number,
): void {
  if (packets === 0) return;
  const effective = effectiveQuotas(settings, live.quotas, quotas);
  usage.clientRates.charge(address, effective, packets);
  usage.charge(tenant, effective, packets);
}

/** Counts the deliveries of messages that are being published, and takes them from the rate. */
export function countDeliveries(
  { usage, settings }: Context,
  tenant: TenantId,
  live: TenantLive,
  deliveries: number,
): void {
  if (deliveries > 0) usage.chargeDeliveries(tenant, effectiveQuotas(settings, live.quotas), deliveries);
}

/** Counts the records of rules that messages fire, and takes them from the rate. */
export function countRuleDeliveries(
  { usage, settings }: Context,
  tenant: TenantId,
  live: TenantLive,
  records: number,
): void {
  if (records > 0) usage.chargeRuleDeliveries(tenant, effectiveQuotas(settings, live.quotas), records);
}

/**
 * Writes a client's rate use to its connection's row, once enough is unwritten. If another process
 * has written meanwhile, the use is kept for the next frame, which reads that write.
 */
export async function writeRateUse(context: Context, { address, rateUse }: Connection): Promise<void> {
  const { clientRates } = context.usage;
  const due = clientRates.due(address, rateUse, context.clock.nowMs());
  if (due === undefined) return;
  if (await context.connections.setRateUse(address, due, rateUse)) clientRates.written(address, due);
}
