import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TenantAdmin, TenantLookup } from '../auth/index.ts';
import type { Ports } from '../broker/ports.ts';
import { connectionStore } from './connections.ts';
import { queueStore } from './queue.ts';
import { retainedStore } from './retained.ts';
import type { TableNames } from './schema.ts';
import { sessionStore } from './sessions.ts';
import { subscriptionStore } from './subscriptions.ts';
import { liveTenantTable } from './tenant-live.ts';
import { tenantStore } from './tenants.ts';

export type Stores = Pick<
  Ports,
  'connections' | 'sessions' | 'queue' | 'subscriptions' | 'retained' | 'tenants'
> & { readonly tenantAdmin: TenantAdmin & TenantLookup };

/** All stores over one client. */
export function createStores(client: DynamoDBClient, tables: TableNames, nowMs: () => number): Stores {
  const tenants = liveTenantTable(client, tables.tenants);
  return {
    tenants,
    tenantAdmin: tenantStore(client, tables.tenants),
    connections: connectionStore(client, tables.connections, tenants, nowMs),
    sessions: sessionStore(client, tables.sessions, nowMs),
    queue: queueStore(client, tables.sessions, nowMs),
    subscriptions: subscriptionStore(client, tables.subscriptions),
    retained: retainedStore(client, tables.retained),
  };
}
