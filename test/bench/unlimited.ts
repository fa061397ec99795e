import type { TenantQuotas } from '../../lib/core/quotas.ts';

const unlimited = 1e12;

/** Quotas of a tenant that sends as fast as the machine can, which no honest client does. */
export const unlimitedQuotas: TenantQuotas = {
  connections: unlimited,
  packetsPerSecond: unlimited,
  packetsPerSecondPerClient: unlimited,
  publishesPerSecond: unlimited,
  publishBytesPerSecond: unlimited,
  deliveriesPerSecond: unlimited,
  ruleDeliveriesPerSecond: unlimited,
  // All shapes that a tenant may have.
  shapesPerClient: 64,
};
