/**
 * What one client may use. A token may narrow these for its bearer (claim `mqtt.quotas`), never widen them; CONNACK tells the
 * client what holds for it.
 */
export interface ClientQuotas {
  /** Subscriptions of one client; the filter over it gets 0x97 in SUBACK. Exact. */
  readonly subscriptionsPerClient?: number;
  /** PUBLISH packets a second of one client, averaged over {@link burstSeconds}. */
  readonly publishesPerSecondPerClient?: number;
  /** Bytes of payload and topic a second in PUBLISH packets of one client, averaged likewise. */
  readonly publishBytesPerSecondPerClient?: number;
  /** Bytes of one MQTT packet of a client, at least 128: Maximum Packet Size in CONNACK; larger get 0x95. Exact. */
  readonly packetBytes?: number;
  /** Messages that may wait for one client, at least 10; at the bound the newest is dropped and counted. */
  readonly queuedMessages?: number;
  /** How long a message may wait for a client, in seconds, at least 1; then it is dropped unsent. */
  readonly queueSeconds?: number;
  /** Session expiry interval in seconds; a longer one is cut, and CONNACK says so. Exact. */
  readonly sessionExpirySeconds?: number;
}

/**
 * What a tenant may use, together and for each of its clients. Each bound is absent where there is none but the service's own
 * (lib/core/settings.ts). docs/quotas.md has all of them with their answers and the bounds of their error.
 */
export interface TenantQuotas extends ClientQuotas {
  /** Shapes of filters; the filter over it gets 0x97 in SUBACK. Exact. */
  readonly shapes?: number;
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
  /**
   * Shortest keep-alive of clients of MQTT 5.0, in seconds: who asks for a shorter one is told this one as Server Keep Alive,
   * as idle connections cost by their keep-alive. Never above the service's longest.
   */
  readonly minKeepAliveSeconds?: number;
}

/** A tenant or a client may use its rate of so many seconds at once. */
export const burstSeconds = 10;

export const clientQuotaNames = [
  'subscriptionsPerClient',
  'publishesPerSecondPerClient',
  'publishBytesPerSecondPerClient',
  'packetBytes',
  'queuedMessages',
  'queueSeconds',
  'sessionExpirySeconds',
] as const satisfies readonly (keyof ClientQuotas)[];

export const quotaNames = [
  ...clientQuotaNames,
  'shapes',
  'connections',
  'publishesPerSecond',
  'publishBytesPerSecond',
  'retainedMessages',
  'retainedBytes',
  'minKeepAliveSeconds',
] as const satisfies readonly (keyof TenantQuotas)[];

/**
 * Lowest values where 0 would not refuse but break: CONNACK cannot announce packets of 0 bytes, and every message at QoS 1 and 2
 * passes through the client's queue, which is counted once per so many messages.
 */
const minima: Readonly<Record<string, number>> = { packetBytes: 128, queuedMessages: 10, queueSeconds: 1 };

interface Flaw {
  readonly flaw: string;
}

/** Reads quotas as an operator gave them or as they are stored. @returns the flaw where there is one. */
export function parseQuotas(value: unknown): TenantQuotas | Flaw {
  return parse(value, quotaNames);
}

/** Reads what a token narrows for its bearer. @returns the flaw where there is one. */
export function parseClientQuotas(value: unknown): ClientQuotas | Flaw {
  return parse(value, clientQuotaNames);
}

function parse(value: unknown, names: readonly (keyof TenantQuotas)[]): TenantQuotas | Flaw {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { flaw: 'quotas: an object' };
  const given = value as Record<string, unknown>;
  const unknown = Object.keys(given).find((name) => !names.some((known) => known === name));
  if (unknown !== undefined)
    return { flaw: `quotas: "${unknown.slice(0, 40)}" is none of ${names.join(', ')}` };
  for (const name of names) {
    const bound = given[name];
    const min = minima[name] ?? 0;
    if (bound !== undefined && (!Number.isSafeInteger(bound) || Number(bound) < min))
      return { flaw: `quotas.${name}: a whole number, ${min} or more` };
  }
  return given as TenantQuotas;
}

/** The tenant's quotas as they hold for the bearer of a token that narrows some. */
export function narrowed(tenant: TenantQuotas, token: ClientQuotas | undefined): TenantQuotas {
  if (token === undefined) return tenant;
  const both: Partial<Record<keyof ClientQuotas, number>> = {};
  for (const name of clientQuotaNames) {
    const bound = lower(tenant[name], token[name]);
    if (bound !== undefined) both[name] = bound;
  }
  return { ...tenant, ...both };
}

function lower(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || (other !== undefined && other < one) ? other : one;
}
