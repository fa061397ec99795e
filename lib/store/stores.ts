import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TenantAdmin, TenantLookup } from '../auth/index.ts';
import type { Ports } from '../core/ports.ts';
import type { UsageStore } from '../core/usage.ts';
import { createBanStore } from './bans.ts';
import { createChunkStore } from './chunks.ts';
import { createConnectionStore } from './connections.ts';
import { createEdgeStore } from './edges.ts';
import { createMessageStore } from './messages.ts';
import { createObserverStore } from './observers.ts';
import { createPendingIdentityStore } from './pending-identities.ts';
import { createQueueStore } from './queue.ts';
import { createReceivedMarkStore } from './received-marks.ts';
import { createRetainedStore } from './retained.ts';
import { createRevocationStore } from './revocations.ts';
import { createRuleRecordStore } from './rule-records.ts';
import { createRuleStore } from './rules.ts';
import type { TableNames } from './schema.ts';
import { createSessionSubscriptionStore } from './session-subscriptions.ts';
import { createSessionStore } from './sessions.ts';
import { createShareChoiceStore } from './share-choices.ts';
import { createSubscriptionStore } from './subscriptions.ts';
import { createTenantData } from './tenant-data.ts';
import { createLiveTenantTable } from './tenant-live.ts';
import { createTenantStore } from './tenants.ts';
import { createTopicAliasStore } from './topic-aliases.ts';
import { createUsageStore } from './usage.ts';
import { createWillStore } from './wills.ts';

export type Stores = Pick<
  Ports,
  | 'connections'
  | 'pendingIdentities'
  | 'chunks'
  | 'sessions'
  | 'topicAliases'
  | 'edges'
  | 'sessionSubscriptions'
  | 'wills'
  | 'receivedMarks'
  | 'shareChoices'
  | 'queue'
  | 'subscriptions'
  | 'rules'
  | 'messages'
  | 'retained'
  | 'tenants'
  | 'tenantData'
  | 'revocations'
  | 'bans'
  | 'observers'
  | 'ruleRecords'
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
  const tenants = createLiveTenantTable(client, tables.tenants, nowMs, random);
  const tenantAdmin = createTenantStore(client, tables.tenants, nowMs);
  const ruleRecords = createRuleRecordStore(client, tables.messages, nowMs);
  const messages = createMessageStore(client, tables.messages, nowMs);
  return {
    tenants,
    revocations: createRevocationStore(client, tables.tenants),
    bans: createBanStore(client, tables.tenants, nowMs),
    observers: createObserverStore(client, tables.tenants, nowMs),
    tenantAdmin,
    connections: createConnectionStore(client, tables.connections, tenants, nowMs),
    pendingIdentities: createPendingIdentityStore(client, tables.connections, nowMs),
    chunks: createChunkStore(client, tables.connections, nowMs),
    topicAliases: createTopicAliasStore(client, tables.connections, nowMs),
    edges: createEdgeStore(client, tables.connections, nowMs),
    sessions: createSessionStore(client, tables.sessions, nowMs),
    sessionSubscriptions: createSessionSubscriptionStore(client, tables.sessions),
    wills: createWillStore(client, tables.sessions),
    receivedMarks: createReceivedMarkStore(client, tables.sessions, nowMs),
    shareChoices: createShareChoiceStore(client, tables.sessions, nowMs),
    queue: createQueueStore(client, tables.sessions, messages, nowMs),
    messages,
    ruleRecords,
    subscriptions: createSubscriptionStore(client, tables.subscriptions, random),
    rules: createRuleStore(client, tables),
    retained: createRetainedStore(client, tables.retained),
    tenantData: createTenantData(client, tables, tenantAdmin, ruleRecords),
    usageStore: createUsageStore(client, tables.usage),
  };
}
