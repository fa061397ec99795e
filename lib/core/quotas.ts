import * as v from 'valibot';
import { closedObject, wholeNumber } from './validation.ts';

/**
 * Quotas of one client. A token may narrow them for its bearer (claim `mqtt.quotas`) but not widen
 * them. CONNACK tells the client the values that apply.
 */
export interface ClientQuotas {
  /** Subscriptions of one client; a further filter gets 0x97 in SUBACK. Exact. */
  readonly subscriptionsPerClient?: number;
  /**
   * Packets of one client per second, of all kinds, averaged over {@link burstSeconds} and weighted
   * as in lib/broker/packet-rate.ts. Default 1,000.
   */
  readonly packetsPerSecondPerClient?: number;
  /**
   * Shapes of one client's filters. A filter whose shape is new to the tenant gets 0x97 in SUBACK
   * when the client has that many; shapes that the tenant has cost nothing more and are granted.
   */
  readonly shapesPerClient?: number;
  /** PUBLISH packets of one client per second, averaged over {@link burstSeconds}. */
  readonly publishesPerSecondPerClient?: number;
  /** Bytes of payload and topic that one client publishes per second, averaged likewise. */
  readonly publishBytesPerSecondPerClient?: number;
  /**
   * Maximum Packet Size of a client in bytes, at least 128; a larger packet gets 0x95. Exact.
   */
  readonly packetBytes?: number;
  /**
   * Messages in a client's queue, at least 10; a full queue drops the newest message and counts it.
   */
  readonly queuedMessages?: number;
  /** Time a message may wait in the queue, in seconds, at least 1; then it is dropped unsent. */
  readonly queueSeconds?: number;
  /** Maximum session expiry in seconds; CONNACK tells the client when it is reduced. Exact. */
  readonly sessionExpirySeconds?: number;
}

/**
 * Quotas of a tenant: for all its clients together, and for each of them. An absent quota leaves
 * the service's default or bound (settings.ts). docs/quotas.md lists them with answers and bounds
 * of the error.
 */
export interface TenantQuotas extends ClientQuotas {
  /** Shapes of filters; a filter with a further shape gets 0x97 in SUBACK. Exact. */
  readonly shapes?: number;
  /** Concurrent connections; a further CONNECT gets 0x97 (3.1.1: 3). Default 10,000. */
  readonly connections?: number;
  /**
   * Packets of all clients per second, of all kinds, averaged and weighted like those of one
   * client. Default 5,000.
   */
  readonly packetsPerSecond?: number;
  /** PUBLISH packets of all clients per second, averaged likewise. Default 2,500. */
  readonly publishesPerSecond?: number;
  /**
   * Bytes of payload and topic that all clients publish per second, averaged likewise. Default
   * 10,485,760.
   */
  readonly publishBytesPerSecond?: number;
  /**
   * Copies of messages for subscribers per second, averaged likewise. Those of an admitted message
   * are made in full, and what exceeds the rate counts against the next messages. Default 50,000.
   */
  readonly deliveriesPerSecond?: number;
  /** Rules; a further one is refused. Default 32. */
  readonly rules?: number;
  /** Rules of one user (`mqtt.rules`); a further one is refused. Default 8. */
  readonly rulesPerOwner?: number;
  /**
   * Records of rules per second: one for each rule that a message fires, averaged likewise. Those
   * of an admitted message are made in full, and what exceeds the rate counts against the next
   * messages. Default 5,000.
   */
  readonly ruleDeliveriesPerSecond?: number;
  /** Retained messages; one on a further topic gets 0x97. Default 100,000. */
  readonly retainedMessages?: number;
  /** Bytes of payload and topic in retained messages. Default 1,073,741,824. */
  readonly retainedBytes?: number;
  /**
   * Minimum keep-alive of MQTT 5.0 clients, in seconds, because the cost of an idle connection
   * depends on its keep-alive. A shorter one is replaced through Server Keep Alive. At most the
   * service's maximum.
   */
  readonly minKeepAliveSeconds?: number;
  /**
   * Time for which a client is banned that connects more often than `connectsPerMinutePerClient`,
   * in seconds. Default: it is refused while it does, and not banned.
   */
  readonly banFlappingSeconds?: number;
}

/**
 * Quotas that hold for every tenant, unless its operator sets others. Honest clients never meet
 * them: they bound what a faulty or hostile one can make others pay.
 */
export type DefaultQuotas = Required<
  Pick<
    TenantQuotas,
    | 'connections'
    | 'packetsPerSecond'
    | 'packetsPerSecondPerClient'
    | 'publishesPerSecond'
    | 'publishBytesPerSecond'
    | 'deliveriesPerSecond'
    | 'rules'
    | 'rulesPerOwner'
    | 'ruleDeliveriesPerSecond'
    | 'retainedMessages'
    | 'retainedBytes'
  >
>;

export const defaultQuotas: DefaultQuotas = {
  connections: 10_000,
  // Half of what API Gateway serves an account in requests (10,000 per second).
  packetsPerSecond: 5_000,
  packetsPerSecondPerClient: 1_000,
  publishesPerSecond: 2_500,
  publishBytesPerSecond: 10 * 1_048_576,
  // Twenty subscribers of every message that the tenant may publish, or each of its connections
  // five times a second.
  deliveriesPerSecond: 50_000,
  rules: 32,
  // A quarter of the tenant's.
  rulesPerOwner: 8,
  // Two rules for every message that the tenant may publish.
  ruleDeliveriesPerSecond: 5_000,
  retainedMessages: 100_000,
  retainedBytes: 1_024 * 1_048_576,
};

/** Quotas with the defaults in place of those that are not set. */
export type EffectiveQuotas = TenantQuotas & DefaultQuotas;

/** Length of a burst: a rate may be used up for this many seconds at once. */
export const burstSeconds = 10;

const bound = v.exactOptional(wholeNumber(0));

const clientQuotaEntries = {
  subscriptionsPerClient: bound,
  packetsPerSecondPerClient: bound,
  shapesPerClient: bound,
  publishesPerSecondPerClient: bound,
  publishBytesPerSecondPerClient: bound,
  // CONNACK cannot announce packets of 0 bytes.
  packetBytes: v.exactOptional(wholeNumber(128)),
  // QoS 1 and 2 always pass through the queue, which is counted once per this many messages.
  queuedMessages: v.exactOptional(wholeNumber(10)),
  queueSeconds: v.exactOptional(wholeNumber(1)),
  sessionExpirySeconds: bound,
} satisfies Readonly<Record<keyof ClientQuotas, unknown>>;

const tenantQuotaEntries = {
  ...clientQuotaEntries,
  shapes: bound,
  connections: bound,
  packetsPerSecond: bound,
  publishesPerSecond: bound,
  publishBytesPerSecond: bound,
  deliveriesPerSecond: bound,
  rules: bound,
  rulesPerOwner: bound,
  ruleDeliveriesPerSecond: bound,
  retainedMessages: bound,
  retainedBytes: bound,
  minKeepAliveSeconds: bound,
  banFlappingSeconds: v.exactOptional(wholeNumber(1)),
} satisfies Readonly<Record<keyof TenantQuotas, unknown>>;

/**
 * Highest values that an operator may set, where the service has a bound of its own (settings.ts):
 * a higher one would have no effect.
 */
export const quotaBounds = {
  subscriptionsPerClient: 1_000,
  shapesPerClient: 64,
  packetBytes: 131_072,
  queuedMessages: 1_000,
  shapes: 64,
  // Deciding about unused shapes reads all of a tenant's rules.
  rules: 256,
  rulesPerOwner: 256,
  /** 30 days. */
  banFlappingSeconds: 2_592_000,
} as const satisfies TenantQuotas;

/** Quotas in a token. */
export const clientQuotasSchema = closedObject(clientQuotaEntries);
/** Quotas as they are stored: rows of earlier releases may be above {@link quotaBounds}. */
export const storedQuotasSchema = closedObject(tenantQuotaEntries);
/** Quotas as an operator sets them. */
export const tenantQuotasSchema = closedObject({
  ...tenantQuotaEntries,
  subscriptionsPerClient: v.exactOptional(wholeNumber(0, quotaBounds.subscriptionsPerClient)),
  shapesPerClient: v.exactOptional(wholeNumber(0, quotaBounds.shapesPerClient)),
  packetBytes: v.exactOptional(wholeNumber(128, quotaBounds.packetBytes)),
  queuedMessages: v.exactOptional(wholeNumber(10, quotaBounds.queuedMessages)),
  shapes: v.exactOptional(wholeNumber(0, quotaBounds.shapes)),
  rules: v.exactOptional(wholeNumber(0, quotaBounds.rules)),
  rulesPerOwner: v.exactOptional(wholeNumber(0, quotaBounds.rulesPerOwner)),
  banFlappingSeconds: v.exactOptional(wholeNumber(1, quotaBounds.banFlappingSeconds)),
});

export const clientQuotaNames = Object.keys(clientQuotaEntries) as readonly (keyof ClientQuotas)[];
export const quotaNames = Object.keys(tenantQuotaEntries) as readonly (keyof TenantQuotas)[];

/** The quotas that hold for a client: the tenant's or the defaults, narrowed by a token. */
export function effectiveQuotas(
  { defaultQuotas }: { readonly defaultQuotas: DefaultQuotas },
  ofTenant: TenantQuotas,
  token?: ClientQuotas,
): EffectiveQuotas {
  const tenant = { ...defaultQuotas, ...ofTenant };
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

/** Maximum size of a client's packet, in bytes. */
export function maxPacketBytesOf(
  { maxPacketBytes }: { readonly maxPacketBytes: number },
  { packetBytes }: ClientQuotas,
): number {
  return Math.min(packetBytes ?? maxPacketBytes, maxPacketBytes);
}
