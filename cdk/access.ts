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

type TableAccess = Readonly<Partial<Record<TableKind, readonly TableAction[]>>>;

export interface Access {
  readonly tables: TableAccess;
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
  /** May send to the queues of rules without publishing: for functions that make rules. */
  readonly makesRules?: boolean;
  /** May read the issuers' secrets in Secrets Manager: for functions that verify tokens. */
  readonly issuerSecrets?: boolean;
  /** May read the secrets of rules in Secrets Manager, or also make and delete them. */
  readonly ruleSecrets?: 'read' | 'write';
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
const farewell: Access = {
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
 * Delivers records of rules: reads the rule and its circuit, keeps records that wait and those that
 * were given up, and publishes what is republished. The targets are those of the settings.
 */
const delivering: Access = {
  ...farewell,
  tables: {
    ...farewell.tables,
    messages: [...messages, 'GetItem', 'Query', 'UpdateItem', 'BatchWriteItem'],
    retained: ['GetItem', 'PutItem', 'DeleteItem'],
    usage: ['GetItem', 'UpdateItem'],
  },
  ruleSecrets: 'read',
};

/**
 * The permissions of each function, which also determine its environment: complete, on one page.
 * The back door and {@link withEdge} come with an edge,
 * the functions of rules and {@link withRules} with rules.
 */
export const access: Readonly<Record<FunctionName, Access>> = {
  connect: {
    tables: { tenants: ['GetItem'], connections: ['PutItem'] },
    connections: false,
    timers: true,
    issuerSecrets: true,
  },
  // A SUBSCRIBE that finds no room for a shape walks clients, rules and queued topics for those
  // that nobody uses.
  message: {
    tables: {
      connections: ['GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem'],
      sessions,
      subscriptions: [...matching.subscriptions, 'BatchWriteItem'],
      messages: [...messages, 'Query'],
      retained: ['BatchGetItem', 'GetItem', 'Query', 'PutItem', 'DeleteItem'],
      tenants: ['GetItem', 'BatchGetItem', 'Query', 'UpdateItem'],
      usage: ['GetItem', 'UpdateItem'],
    },
    indexes: { sessions: [sessionsByTenant] },
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
      connections: ['GetItem', 'BatchGetItem', 'UpdateItem', 'DeleteItem'],
      sessions,
      subscriptions: [...matching.subscriptions, 'BatchGetItem'],
      messages,
      retained: ['GetItem', 'Query', 'PutItem', 'DeleteItem'],
      tenants: ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem'],
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
  // Its senders are the operator's, so it verifies no tokens.
  inbound: {
    ...farewell,
    tables: {
      ...farewell.tables,
      retained: ['GetItem', 'PutItem', 'DeleteItem'],
      usage: ['GetItem', 'UpdateItem'],
    },
  },
  // It tells which process a closed back door belonged to, and sets the timer of its lease.
  backDoor: { tables: { connections: ['GetItem'] }, connections: false, timers: true },
  rule: delivering,
  ruleKafka: delivering,
  // It verifies tokens, and walks clients for unused shapes when there is no room for one.
  ownRules: {
    tables: {
      tenants: ['GetItem', 'BatchGetItem', 'Query', 'UpdateItem', 'DeleteItem'],
      sessions: ['Query'],
      subscriptions: ['PutItem', 'DeleteItem'],
      messages: ['GetItem', 'Query', 'UpdateItem', 'BatchWriteItem'],
    },
    indexes: { sessions: [sessionsByTenant] },
    connections: false,
    timers: true,
    makesRules: true,
    issuerSecrets: true,
    ruleSecrets: 'write',
  },
};

/**
 * What a function may do beyond {@link access} where there is an edge: `timer` also declares
 * processes dead, and sweeps up their connections.
 */
const withEdge: Partial<Record<FunctionName, Access>> = {
  timer: { tables: { connections: ['UpdateItem'] }, connections: false, timers: false },
};

/**
 * What a function may do beyond {@link access} where there are rules: `admin` makes and shows them,
 * and reads and redrives what was given up.
 */
const withRules: Partial<Record<FunctionName, Access>> = {
  admin: {
    tables: {
      tenants: ['DeleteItem'],
      messages: ['GetItem', 'Query', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'],
    },
    connections: false,
    timers: false,
    ruleSecrets: 'write',
  },
};

/** The permissions of a function in a deployment with these parts. */
export function accessOf(
  name: FunctionName,
  parts: { readonly edge: boolean; readonly rules: boolean },
): Access {
  const more = [parts.edge ? withEdge[name] : undefined, parts.rules ? withRules[name] : undefined].flatMap(
    (one) => one ?? [],
  );
  return more.length === 0 ? access[name] : { ...access[name], ...union(access[name], ...more) };
}

/**
 * A process of the edge. It does what these functions do for API Gateway's clients, and writes its
 * own lease into table Connections, which their actions include. The erasure of tenants and the
 * administration stay with functions.
 */
export const edgeAccess: Access = union(access.connect, access.message, access.disconnect);

function union(...all: readonly Access[]): Access {
  const tables: Partial<Record<TableKind, TableAction[]>> = {};
  for (const [kind, actions] of all.flatMap((one) => entriesOf(one.tables)))
    tables[kind] = [...new Set([...(tables[kind] ?? []), ...actions])];
  const indexes: NonNullable<Access['indexes']> = Object.assign({}, ...all.map((one) => one.indexes));
  const any = (has: (one: Access) => boolean | undefined): boolean => all.some((one) => has(one) === true);
  const ruleSecrets = all.flatMap((one) => one.ruleSecrets ?? [])[0];
  return {
    tables,
    ...(Object.keys(indexes).length === 0 ? {} : { indexes }),
    ...(ruleSecrets === undefined ? {} : { ruleSecrets }),
    connections: any((one) => one.connections),
    timers: any((one) => one.timers),
    looks: any((one) => one.looks),
    publishes: any((one) => one.publishes),
    issuerSecrets: any((one) => one.issuerSecrets),
  };
}

function entriesOf(tables: TableAccess): [TableKind, readonly TableAction[]][] {
  return Object.entries(tables) as [TableKind, readonly TableAction[]][];
}
