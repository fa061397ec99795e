/**
 * A global secondary index that projects keys only. Its result is a hint; the row itself decides.
 */
export interface IndexSchema {
  readonly partitionKey: string;
  readonly sortKey: string;
}

/**
 * One table, defined once for the CDK stack, the local runtime and the store. DynamoDB's schema
 * consists of the key attributes, which are all strings.
 */
export interface TableSchema {
  readonly partitionKey: string;
  readonly sortKey?: string;
  /** TTL attribute, in seconds since 1970. Readers always check the expiry as well. */
  readonly timeToLive?: string;
  /**
   * By name. Rows without both attributes are not in the index, and writing them costs it nothing.
   */
  readonly indexes?: Readonly<Record<string, IndexSchema>>;
}

/** Sessions of a tenant: only session rows have the attribute `tenant`. */
export const sessionsByTenant = 'byTenant';
/** Rows of one kind across all tenants, by tenant: `meta` lists the tenants. */
export const tenantsByPart = 'byPart';

export const tableNames = [
  'connections',
  'sessions',
  'subscriptions',
  'messages',
  'retained',
  'tenants',
  'usage',
] as const;
export type TableKind = (typeof tableNames)[number];

export const tableSchemas: Readonly<Record<TableKind, TableSchema>> = {
  /** `address` → one row per WebSocket. */
  connections: { partitionKey: 'address', timeToLive: 'ttl' },
  /**
   * `tenant/clientId` → session row, list of subscriptions, outbound queue, Wills, inbound QoS 2
   * marks.
   */
  sessions: {
    partitionKey: 'session',
    sortKey: 'kind',
    timeToLive: 'ttl',
    indexes: { [sessionsByTenant]: { partitionKey: 'tenant', sortKey: 'session' } },
  },
  /** `tenant/filter` → `hash(clientId)` + clientId, then members of shares. */
  subscriptions: { partitionKey: 'filter', sortKey: 'client', timeToLive: 'ttl' },
  /** `tenant/hash` → messages that queues and workers refer to, progress of fan-outs. */
  messages: { partitionKey: 'bucket', sortKey: 'part', timeToLive: 'ttl' },
  /** `tenant` → topic. */
  retained: { partitionKey: 'tenant', sortKey: 'topic', timeToLive: 'ttl' },
  /**
   * `tenant` → configuration (`meta`), copies of the row that the message path reads, revocations.
   */
  tenants: {
    partitionKey: 'tenant',
    sortKey: 'part',
    timeToLive: 'ttl',
    indexes: { [tenantsByPart]: { partitionKey: 'part', sortKey: 'tenant' } },
  },
  /** `tenant` → counts of each hour, and gauges. */
  usage: { partitionKey: 'tenant', sortKey: 'part', timeToLive: 'ttl' },
};

/** Table names by kind, from a function's environment or the stack's outputs. */
export type TableNames = Readonly<Record<TableKind, string>>;
