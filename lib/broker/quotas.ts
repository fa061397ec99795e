/**
 * What a tenant may use. Each bound is absent where there is none but the service's own (lib/broker/settings.ts). All
 * but the first three are checked against estimates that may be late by what lib/broker/usage.ts says.
 */
export interface TenantQuotas {
  /** Subscriptions of one client; more get 0x97 in SUBACK. Exact. */
  readonly subscriptionsPerClient?: number;
  /** Shapes of filters; the filter over it gets 0x97 in SUBACK. Exact. */
  readonly shapes?: number;
  /** Bytes of one PUBLISH with its topic; larger get 0x95. Exact. */
  readonly messageBytes?: number;
  /** Connections at once; the CONNECT over it gets 0x97 (3.1.1: 3). */
  readonly connections?: number;
  /** PUBLISH packets a second of all clients together, averaged over {@link burstSeconds}. */
  readonly publishesPerSecond?: number;
  /** Bytes of payload and topic a second in PUBLISH packets of all clients together, averaged likewise. */
  readonly publishBytesPerSecond?: number;
  /** Retained messages; one for a further topic gets 0x97. */
  readonly retainedMessages?: number;
  /** Bytes of payload and topic in retained messages. */
  readonly retainedBytes?: number;
}

/** A tenant may use its rate of so many seconds at once. */
export const burstSeconds = 10;

export const quotaNames = [
  'subscriptionsPerClient',
  'shapes',
  'messageBytes',
  'connections',
  'publishesPerSecond',
  'publishBytesPerSecond',
  'retainedMessages',
  'retainedBytes',
] as const satisfies readonly (keyof TenantQuotas)[];

/** Reads quotas as an operator gave them or as they are stored. @returns the flaw where there is one. */
export function parseQuotas(value: unknown): TenantQuotas | { readonly flaw: string } {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { flaw: 'quotas: an object' };
  const given = value as Record<string, unknown>;
  const unknown = Object.keys(given).find((name) => !quotaNames.some((known) => known === name));
  if (unknown !== undefined)
    return { flaw: `quotas: "${unknown.slice(0, 40)}" is none of ${quotaNames.join(', ')}` };
  for (const name of quotaNames) {
    const bound = given[name];
    if (bound !== undefined && (!Number.isSafeInteger(bound) || Number(bound) < 0))
      return { flaw: `quotas.${name}: a whole number, 0 or more` };
  }
  return given as TenantQuotas;
}
