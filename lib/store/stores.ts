import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TenantAdmin, TenantLookup } from '../auth/index.ts';
import type { Ports } from '../core/ports.ts';
import type { UsageStore } from '../core/usage.ts';
import { connectionStore } from './connections.ts';
import { messageStore } from './messages.ts';
import { queueStore } from './queue.ts';
import { retainedStore } from './retained.ts';
import { revocationStore } from './revocations.ts';
import type { TableNames } from './schema.ts';
import { sessionStore } from './sessions.ts';
import { subscriptionStore } from './subscriptions.ts';
import { tenantData } from './tenant-data.ts';
import { liveTenantTable } from './tenant-live.ts';
import { tenantStore } from './tenants.ts';
import { usageStore } from './usage.ts';

export type Stores = Pick<
  Ports,
  | 'connections'
  | 'sessions'
  | 'queue'
  | 'subscriptions'
  | 'messages'
  | 'retained'
  | 'tenants'
  | 'tenantData'
  | 'revocations'
> & { readonly tenantAdmin: TenantAdmin & TenantLookup; readonly usageStore: UsageStore };

/**
 * All stores over one client.
 * @param random spreads reads over copies of a row, and over members of large shares.
 */
export function createStores(
  client: DynamoDBClient,
  tables: TableNames,
  nowMs: () => number,
  random: () => number = Math.random,
): Stores {
  const tenants = liveTenantTable(client, tables.tenants, random);
  const tenantAdmin = tenantStore(client, tables.tenants, nowMs);
  const messages = messageStore(client, tables.messages, nowMs);
  return {
    tenants,
    revocations: revocationStore(client, tables.tenants),
    tenantAdmin,
    connections: connectionStore(client, tables.connections, tenants, nowMs),
    sessions: sessionStore(client, tables.sessions, nowMs),
    queue: queueStore(client, tables.sessions, messages, nowMs),
    messages,
    subscriptions: subscriptionStore(client, tables.subscriptions, random),
    retained: retainedStore(client, tables.retained),
    tenantData: tenantData(client, tables, tenantAdmin),
    usageStore: usageStore(client, tables.usage),
  };
}
