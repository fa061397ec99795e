import { sessionsByTenant, type TableKind, tenantsByPart } from '../lib/store/schema.ts';
import type { FunctionName } from './settings.ts';

/** DynamoDB actions that a function may be granted on a table. The type excludes wildcards. */
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
  /** Indexes that the function may query. */
  readonly indexes?: Readonly<Partial<Record<TableKind, readonly string[]>>>;
  /** May post to, inspect and close connections of this API's stage. */
  readonly connections: boolean;
  /** May schedule timers. */
  readonly timers: boolean;
  /** May schedule looks at connections. */
  readonly looks?: boolean;
  /**
   * May send slices of large audiences to the fan-out queue: for every function that publishes,
   * also only Wills.
   */
  readonly publishes?: boolean;
  /** May read the issuers' secrets in Secrets Manager: for functions that verify tokens. */
  readonly issuerSecrets?: boolean;
}

/** Every function that publishes reads and writes queues, subscriptions and Wills of sessions. */
const sessions = [
  'GetItem',
  'BatchGetItem',
  'Query',
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
] as const;

/** Messages that several queues or workers refer to. */
const messages = ['BatchGetItem', 'PutItem'] as const;

/** Reads audiences, marks topics of large ones, and deletes subscriptions of ended sessions. */
const matching = { subscriptions: ['Query', 'GetItem', 'PutItem', 'DeleteItem'] } as const;

/**
 * Ends connections and sessions and publishes their Wills: the common part of `disconnect` and
 * `timer`.
 */
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

/**
 * The permissions of each function, which also determine its environment: complete, on one page.
 */
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
      subscriptions: [...matching.subscriptions, 'BatchWriteItem'],
      messages,
      retained: ['BatchGetItem', 'GetItem', 'Query', 'PutItem', 'DeleteItem'],
      tenants: ['GetItem', 'BatchGetItem', 'UpdateItem'],
      usage: ['GetItem', 'UpdateItem'],
    },
    connections: true,
    timers: true,
    looks: true,
    publishes: true,
    issuerSecrets: true,
  },
  disconnect: farewell,
  // A worker that finds a connection gone ends it.
  fanout: {
    ...farewell,
    tables: { ...farewell.tables, messages: [...messages, 'GetItem'] },
  },
  // It also erases deleted tenants, and searches for clients whose tokens have been revoked.
  timer: {
    ...farewell,
    looks: true,
    tables: {
      ...farewell.tables,
      connections: ['GetItem', 'BatchGetItem', 'DeleteItem'],
      subscriptions: [...matching.subscriptions, 'BatchWriteItem'],
      messages: [...messages, 'Query', 'BatchWriteItem'],
      retained: ['BatchGetItem', 'Query', 'PutItem', 'DeleteItem', 'BatchWriteItem'],
      tenants: ['GetItem', 'Query', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'],
      usage: ['Query', 'UpdateItem', 'BatchWriteItem'],
    },
    indexes: { sessions: [sessionsByTenant] },
  },
  // It verifies tokens for operators who ask why one is refused.
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
    issuerSecrets: true,
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
