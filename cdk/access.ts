import { sessionsByTenant, type TableKind, tenantsByPart } from '../lib/store/schema.ts';
import type { FunctionName } from './settings.ts';

/** DynamoDB actions that a function may be granted on a table. No wildcard can be written in this type. */
export type TableAction =
  | 'GetItem'
  | 'BatchGetItem'
  | 'Query'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'BatchWriteItem';

export interface FunctionAccess {
  readonly tables: Readonly<Partial<Record<TableKind, readonly TableAction[]>>>;
  /** Indexes of tables that it may query. */
  readonly indexes?: Readonly<Partial<Record<TableKind, readonly string[]>>>;
  /** May post to, ask about and close connections of this API's stage. */
  readonly connections: boolean;
  /** May set timers. */
  readonly timers: boolean;
  /** May give slices of large audiences to the fan-out queue: for functions that publish, if only Wills. */
  readonly publishes?: boolean;
  /** May read the secrets of issuers in Secrets Manager: for functions that verify tokens. */
  readonly issuerSecrets?: boolean;
}

/** Queues, subscriptions and Wills of sessions: whoever publishes reads and writes them all. */
const sessions = [
  'GetItem',
  'BatchGetItem',
  'Query',
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
] as const;

/** Messages that several queues or workers share. */
const messages = ['BatchGetItem', 'PutItem'] as const;

/** Finding audiences, noting large ones, and deleting what ended sessions have subscribed. */
const matching = { subscriptions: ['Query', 'GetItem', 'PutItem', 'DeleteItem'] } as const;

/** Ending connections and sessions, and publishing their Wills: what `disconnect` and `timer` have in common. */
const farewell: FunctionAccess = {
  tables: {
    connections: ['GetItem', 'DeleteItem'],
    sessions,
    ...matching,
    messages,
    retained: ['PutItem', 'DeleteItem'],
    tenants: ['GetItem', 'UpdateItem'],
    usage: ['UpdateItem'],
  },
  connections: true,
  timers: true,
  publishes: true,
};

/** What each function may do, and so which settings it is given: the whole of it, on one page. */
export const access: Readonly<Record<FunctionName, FunctionAccess>> = {
  connect: {
    tables: { tenants: ['GetItem'], connections: ['PutItem'] },
    connections: false,
    timers: true,
    issuerSecrets: true,
  },
  message: {
    tables: {
      connections: ['GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem'],
      sessions,
      ...matching,
      messages,
      retained: ['GetItem', 'Query', 'PutItem', 'DeleteItem'],
      tenants: ['GetItem', 'BatchGetItem', 'UpdateItem'],
      usage: ['GetItem', 'UpdateItem'],
    },
    connections: true,
    timers: true,
    publishes: true,
    issuerSecrets: true,
  },
  disconnect: farewell,
  // What a worker finds of a connection that is gone, it ends.
  fanout: {
    ...farewell,
    tables: { ...farewell.tables, messages: [...messages, 'GetItem'] },
  },
  // It also erases deleted tenants, and looks for clients whose tokens have been revoked.
  timer: {
    ...farewell,
    tables: {
      ...farewell.tables,
      connections: ['GetItem', 'BatchGetItem', 'DeleteItem'],
      subscriptions: [...matching.subscriptions, 'BatchWriteItem'],
      messages: [...messages, 'Query', 'BatchWriteItem'],
      retained: ['Query', 'PutItem', 'DeleteItem', 'BatchWriteItem'],
      tenants: ['GetItem', 'Query', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'],
      usage: ['Query', 'UpdateItem', 'BatchWriteItem'],
    },
    indexes: { sessions: [sessionsByTenant] },
  },
  admin: {
    tables: {
      connections: ['GetItem', 'DeleteItem'],
      sessions,
      subscriptions: [...matching.subscriptions, 'BatchGetItem'],
      messages,
      retained: ['GetItem', 'Query', 'PutItem', 'DeleteItem'],
      tenants: ['GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem'],
      usage: ['GetItem', 'Query', 'UpdateItem'],
    },
    indexes: { sessions: [sessionsByTenant], tenants: [tenantsByPart] },
    connections: true,
    timers: true,
    publishes: true,
  },
  publish: {
    tables: {
      connections: ['GetItem', 'DeleteItem'],
      sessions,
      ...matching,
      messages,
      retained: ['GetItem', 'PutItem', 'DeleteItem'],
      tenants: ['GetItem', 'BatchGetItem', 'UpdateItem'],
      usage: ['GetItem', 'UpdateItem'],
    },
    connections: true,
    timers: true,
    publishes: true,
    issuerSecrets: true,
  },
};
