import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TenantAdmin, TenantLookup } from '../auth/index.ts';
import type { Ports } from '../core/ports.ts';
import type { UsageStore } from '../core/usage.ts';
import { createChunkStore } from './chunks.ts';
import { createConnectionStore } from './connections.ts';
import { messageStore } from './messages.ts';
import { createPendingIdentityStore } from './pending-identities.ts';
import { queueStore } from './queue.ts';
import { createReceivedMarkStore } from './received-marks.ts';
import { retainedStore } from './retained.ts';
import { revocationStore } from './revocations.ts';
import type { TableNames } from './schema.ts';
import { createSessionSubscriptionStore } from './session-subscriptions.ts';
import { createSessionStore } from './sessions.ts';
import { createShareChoiceStore } from './share-choices.ts';
import { subscriptionStore } from './subscriptions.ts';
import { tenantData } from './tenant-data.ts';
import { liveTenantTable } from './tenant-live.ts';
import { tenantStore } from './tenants.ts';
import { usageStore } from './usage.ts';
import { createWillStore } from './wills.ts';

export type Stores = Pick<
  Ports,
  | 'connections'
  | 'pendingIdentities'
  | 'chunks'
  | 'sessions'
  | 'sessionSubscriptions'
  | 'wills'
  | 'receivedMarks'
  | 'shareChoices'
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
    connections: createConnectionStore(client, tables.connections, tenants, nowMs),
    pendingIdentities: createPendingIdentityStore(client, tables.connections, nowMs),
    chunks: createChunkStore(client, tables.connections, nowMs),
    sessions: createSessionStore(client, tables.sessions, nowMs),
    sessionSubscriptions: createSessionSubscriptionStore(client, tables.sessions),
    wills: createWillStore(client, tables.sessions),
    receivedMarks: createReceivedMarkStore(client, tables.sessions, nowMs),
    shareChoices: createShareChoiceStore(client, tables.sessions, nowMs),
    queue: queueStore(client, tables.sessions, messages, nowMs),
    messages,
    subscriptions: subscriptionStore(client, tables.subscriptions, random),
    retained: retainedStore(client, tables.retained),
    tenantData: tenantData(client, tables, tenantAdmin),
    usageStore: usageStore(client, tables.usage),
  };
}
