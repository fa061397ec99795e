import { setImmediate as turn } from 'node:timers/promises';
import {
  type AwsRequest,
  type AwsResponse,
  createRequestHandler,
  inputOf,
  jsonResponse,
  type Listener,
  operationOf,
  type RequestHandler,
  serveAwsJson,
} from '../aws-json.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Capacity } from './capacity.ts';
import { type Dynalite, loadDynalite, type Store } from './dynalite.ts';
import { createKeyValueStore, type KeyValueStore } from './key-value.ts';
import { executeOperation, type Outcome, rangeWithin } from './operation.ts';
import { hasExpired, scheduleSweeps } from './time-to-live.ts';

export interface EngineOptions {
  /** LevelDB directory, created if missing. Only one process may use it. Default: in memory. */
  readonly directory?: string;
  readonly clock?: Clock;
  /**
   * Called once if LevelDB is not usable and data stays in memory. Default: process.emitWarning.
   */
  readonly onWarning?: (message: string) => void;
}

/** Names of a table's key attributes, all strings, and of its TTL attribute. */
export interface EngineTable {
  readonly partitionKey: string;
  readonly sortKey?: string;
  readonly timeToLive?: string;
  /** Global secondary indexes with projection KEYS_ONLY. */
  readonly indexes?: Readonly<Record<string, { readonly partitionKey: string; readonly sortKey: string }>>;
}

/** A response with the request's consumed capacity by table. */
export interface EngineResponse extends AwsResponse {
  readonly capacity: () => ReadonlyMap<string, Capacity>;
}

export type EngineRequestHandler = RequestHandler<AwsRequest, EngineResponse>;

export interface Engine {
  /** The `requestHandler` of `@aws-sdk/client-dynamodb`: calls the engine without TCP. */
  readonly requestHandler: EngineRequestHandler;
  /** Whether data survives the process. */
  readonly persistent: boolean;
  /** Serves other processes over HTTP until `close`. Default: 127.0.0.1 and a free port. */
  listen(host?: string, port?: number): Promise<Listener>;
  /**
   * Creates missing tables and waits until all are active. Starts to sweep their TTL attributes.
   */
  createTables<Kind extends string>(
    schemas: Readonly<Record<Kind, EngineTable>>,
    names: Readonly<Record<Kind, string>>,
  ): Promise<void>;
  /** Deletes expired rows, as happens every minute. @returns their number. */
  sweep(): Promise<number>;
  /** A key-value store in the same database, for other state that must survive a restart. */
  keyValueStore(name: string): KeyValueStore;
  close(): Promise<void>;
}

/** Another process uses the directory (`…_LOCKED`), or it cannot be opened (`…_UNUSABLE`). */
export class EngineOpenError extends Error {
  readonly code: 'EMBEDDED_DYNAMODB_LOCKED' | 'EMBEDDED_DYNAMODB_UNUSABLE';

  constructor(code: EngineOpenError['code'], message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'EngineOpenError';
    this.code = code;
  }
}

/**
 * Opens dynalite in this process: a subset of DynamoDB with tables, item and batch operations,
 * Query, Scan and conditions, without transactions, streams and PartiQL. All reads are strongly
 * consistent.
 *
 * @throws EngineOpenError
 */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  const dynalite = loadDynalite();
  const { store, persistent } = await openStore(dynalite, options);
  const clock = options.clock ?? systemClock;
  const timeToLiveByTable = new Map<string, string>();
  const listeners = new Set<Listener>();
  const run = (operation: string, input: Record<string, unknown>) =>
    executeOperation(dynalite, store, operation, input);

  const sweep = async () => {
    let deleted = 0;
    for (const [table, attribute] of timeToLiveByTable) {
      deleted += await sweepTable(store, run, table, attribute, clock.now());
    }
    return deleted;
  };
  const stopSweeping = scheduleSweeps(clock, sweep);

  const requestHandler = createRequestHandler(async (request): Promise<EngineResponse> => {
    const { statusCode, body, capacity } = await executeOperation(
      dynalite,
      store,
      operationOf(request),
      inputOf(request),
    );
    return Object.assign(jsonResponse(statusCode, body), { capacity });
  });

  return {
    requestHandler,
    persistent,
    async listen(host, port) {
      const listener = await serveAwsJson(requestHandler, host, port);
      listeners.add(listener);
      return listener;
    },
    async createTables(schemas, names) {
      for (const kind of Object.keys(schemas) as (keyof typeof schemas)[]) {
        const schema = schemas[kind];
        const name = names[kind];
        await createTable(store, run, name, schema);
        if (schema.timeToLive !== undefined) timeToLiveByTable.set(name, schema.timeToLive);
      }
    },
    sweep,
    keyValueStore: (name) => createKeyValueStore(store.db, name),
    async close() {
      stopSweeping();
      await Promise.all([...listeners].map((listener) => listener.close()));
      await store.lifecycleManager.gracefulClose();
    },
  };
}

async function openStore(
  dynalite: Dynalite,
  { directory, onWarning = (message) => process.emitWarning(message) }: EngineOptions,
): Promise<{ store: Store; persistent: boolean }> {
  // Tables become active at once.
  const settings = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
  if (directory === undefined || dynalite.levelError) {
    if (directory !== undefined) {
      onWarning(
        'LevelDB is not usable on this machine; data stays in memory until the process ends ' +
          `(classic-level: ${dynalite.levelError?.message.split('\n')[0]})`,
      );
    }
    const store = dynalite.create(settings);
    await store.db.open();
    return { store, persistent: false };
  }
  const store = dynalite.create({ ...settings, path: directory });
  try {
    await store.db.open();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const locked = (cause as { code?: unknown } | undefined)?.code === 'LEVEL_LOCKED';
    throw locked
      ? new EngineOpenError(
          'EMBEDDED_DYNAMODB_LOCKED',
          `The data directory ${directory} is in use by another process`,
          error,
        )
      : new EngineOpenError(
          'EMBEDDED_DYNAMODB_UNUSABLE',
          `The data directory ${directory} cannot be opened: ${cause instanceof Error ? cause.message : String(error)}`,
          error,
        );
  }
  return { store, persistent: true };
}

type Run = (operation: string, input: Record<string, unknown>) => Promise<Outcome>;

async function createTable(store: Store, run: Run, name: string, schema: EngineTable): Promise<void> {
  const keys = keySchema(schema);
  const indexes = Object.entries(schema.indexes ?? {}).map(([IndexName, index]) => ({
    IndexName,
    KeySchema: keySchema(index),
    Projection: { ProjectionType: 'KEYS_ONLY' },
  }));
  const attributes = new Set(
    [keys, ...indexes.map((index) => index.KeySchema)].flat().map((key) => key.AttributeName),
  );
  const created = await run('CreateTable', {
    TableName: name,
    KeySchema: keys,
    AttributeDefinitions: [...attributes].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    BillingMode: 'PAY_PER_REQUEST',
    ...(indexes.length === 0 ? {} : { GlobalSecondaryIndexes: indexes }),
  });
  const alreadyExists = String(created.body.__type).endsWith('#ResourceInUseException');
  if (created.statusCode !== 200 && !alreadyExists) {
    throw new Error(`cannot create table ${name}: ${String(created.body.message ?? created.body.__type)}`);
  }
  if (alreadyExists) {
    // A process that ended between creating and activating the table left it in status CREATING.
    const key = `table~${name}`;
    const table = (await store.db.get(key)) as StoredTable;
    const known = (table.GlobalSecondaryIndexes ?? []).map(({ IndexName }) => IndexName);
    const lacksIndex = indexes.some(({ IndexName }) => !known.includes(IndexName));
    if (lacksIndex || JSON.stringify(table.KeySchema) !== JSON.stringify(keys)) {
      throw new Error(`table ${name} exists with other keys; use a new data directory or another name`);
    }
    if (table.TableStatus === 'CREATING') await store.db.put(key, { ...table, TableStatus: 'ACTIVE' });
    return;
  }
  for (;;) {
    const { body } = await run('DescribeTable', { TableName: name });
    if ((body.Table as { TableStatus?: string } | undefined)?.TableStatus === 'ACTIVE') return;
    await turn();
  }
}

interface StoredTable {
  readonly TableStatus: string;
  readonly KeySchema: unknown;
  readonly GlobalSecondaryIndexes?: readonly { readonly IndexName: string }[];
}

function keySchema({ partitionKey, sortKey }: EngineTable): { AttributeName: string; KeyType: string }[] {
  return [
    { AttributeName: partitionKey, KeyType: 'HASH' },
    ...(sortKey === undefined ? [] : [{ AttributeName: sortKey, KeyType: 'RANGE' }]),
  ];
}

/** Deletes expired rows. A condition protects rows that are renewed during the sweep. */
async function sweepTable(
  store: Store,
  run: Run,
  table: string,
  attribute: string,
  nowMs: number,
): Promise<number> {
  const { body } = await run('DescribeTable', { TableName: table });
  const keys = ((body.Table as { KeySchema?: { AttributeName: string }[] } | undefined)?.KeySchema ?? []).map(
    (key) => key.AttributeName,
  );
  if (keys.length === 0) return 0;
  let deleted = 0;
  const rows = store.db.values(rangeWithin(`item-${table}~`));
  try {
    for (let page = await rows.nextv(100); page.length > 0; page = await rows.nextv(100)) {
      for (const row of page) {
        if (!hasExpired(row, attribute, nowMs)) continue;
        const { statusCode } = await run('DeleteItem', {
          TableName: table,
          Key: Object.fromEntries(keys.map((key) => [key, (row as Record<string, unknown>)[key]])),
          ConditionExpression: '#ttl = :ttl',
          ExpressionAttributeNames: { '#ttl': attribute },
          ExpressionAttributeValues: { ':ttl': (row as Record<string, unknown>)[attribute] },
        });
        if (statusCode === 200) deleted += 1;
      }
    }
  } finally {
    await rows.close();
  }
  return deleted;
}
