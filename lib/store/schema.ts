/** A global secondary index that holds keys only: what it finds is a hint, the row itself decides. */
export interface IndexSchema {
  readonly partitionKey: string;
  readonly sortKey: string;
}

/**
 * The tables, in one place for the CDK stack, the local runtime and the store: names of key attributes and
 * nothing else, since DynamoDB has no further schema. Every key attribute is a string.
 */
export interface TableSchema {
  readonly partitionKey: string;
  readonly sortKey?: string;
  /** Attribute with the time of tidying up, in seconds since 1970. Expiry is always checked on read as well. */
  readonly timeToLive?: string;
  /** By name. A row without both attributes is not in the index; updates of others cost the index nothing. */
  readonly indexes?: Readonly<Record<string, IndexSchema>>;
}

/** Sessions of a tenant: only session rows carry `tenant`. */
export const sessionsByTenant = 'byTenant';
/** Rows of one kind over all tenants, by name: `meta` lists the tenants. */
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
  /** `tenant/clientId` → session row, its subscriptions, outbound queue and inbound QoS 2 marks. */
  sessions: {
    partitionKey: 'session',
    sortKey: 'kind',
    timeToLive: 'ttl',
    indexes: { [sessionsByTenant]: { partitionKey: 'tenant', sortKey: 'session' } },
  },
  /** `tenant/filter` → `hash(clientId)` + clientId, behind them members of shares. */
  subscriptions: { partitionKey: 'filter', sortKey: 'client', timeToLive: 'ttl' },
  /** `tenant/hash` → messages that many queues and workers share, progress of fan-outs. */
  messages: { partitionKey: 'bucket', sortKey: 'part', timeToLive: 'ttl' },
  /** `tenant` → topic. */
  retained: { partitionKey: 'tenant', sortKey: 'topic', timeToLive: 'ttl' },
  /** `tenant` → `meta` the copies of the row that the message path reads, and revocations. */
  tenants: {
    partitionKey: 'tenant',
    sortKey: 'part',
    timeToLive: 'ttl',
    indexes: { [tenantsByPart]: { partitionKey: 'part', sortKey: 'tenant' } },
  },
  /** `tenant` → counts of an hour, and what the tenant holds now. */
  usage: { partitionKey: 'tenant', sortKey: 'part', timeToLive: 'ttl' },
};

/** Table names by kind: what functions get from their environment and `wisp` from the stack's outputs. */
export type TableNames = Readonly<Record<TableKind, string>>;
