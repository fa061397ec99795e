import * as v from 'valibot';
import { closedObject, wholeNumber } from './validation.ts';

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

const bound = v.exactOptional(wholeNumber(0));

const clientQuotaEntries = {
  subscriptionsPerClient: bound,
  publishesPerSecondPerClient: bound,
  publishBytesPerSecondPerClient: bound,
  // CONNACK cannot announce packets of 0 bytes.
  packetBytes: v.exactOptional(wholeNumber(128)),
  // Every message at QoS 1 and 2 passes through the queue, and the queue is counted once per so many messages.
  queuedMessages: v.exactOptional(wholeNumber(10)),
  queueSeconds: v.exactOptional(wholeNumber(1)),
  sessionExpirySeconds: bound,
} satisfies Readonly<Record<keyof ClientQuotas, unknown>>;

const tenantQuotaEntries = {
  ...clientQuotaEntries,
  shapes: bound,
  connections: bound,
  publishesPerSecond: bound,
  publishBytesPerSecond: bound,
  retainedMessages: bound,
  retainedBytes: bound,
  minKeepAliveSeconds: bound,
} satisfies Readonly<Record<keyof TenantQuotas, unknown>>;

/** What a token may narrow for its bearer. */
export const clientQuotasSchema = closedObject(clientQuotaEntries);
/** Quotas as an operator gives them and as they are stored. */
export const tenantQuotasSchema = closedObject(tenantQuotaEntries);

export const clientQuotaNames = Object.keys(clientQuotaEntries) as readonly (keyof ClientQuotas)[];
export const quotaNames = Object.keys(tenantQuotaEntries) as readonly (keyof TenantQuotas)[];

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
