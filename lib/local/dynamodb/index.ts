import { setImmediate as turn } from 'node:timers/promises';
import {
  type AwsRequest,
  type AwsResponse,
  createRequestHandler,
  inputOf,
  jsonResponse,
  type Listener,
  listen,
  operationOf,
  type RequestHandler,
} from '../aws-json.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Capacity } from './capacity.ts';
import { type Dynalite, loadDynalite, type Store } from './dynalite.ts';
import { type KeyValueStore, keyValueStore } from './key-value.ts';
import { execute, type Outcome, within } from './operation.ts';
import { hasExpired, scheduleSweeps } from './time-to-live.ts';

export interface EngineOptions {
  /** LevelDB directory, made if missing; one process at a time. Default: in memory. */
  readonly directory?: string;
  readonly clock?: Clock;
  /** Hears, once, that `directory` cannot be used and data stays in memory. Default: process.emitWarning. */
  readonly onWarning?: (message: string) => void;
}

/** Names of key attributes, all strings, and of the TTL attribute; the shape of `lib/store/schema.ts`. */
export interface EngineTable {
  readonly partitionKey: string;
  readonly sortKey?: string;
  readonly timeToLive?: string;
  /** Global secondary indexes that hold keys only. */
  readonly indexes?: Readonly<Record<string, { readonly partitionKey: string; readonly sortKey: string }>>;
}

/** A response of the engine also tells what the request consumed, per table. */
export interface EngineResponse extends AwsResponse {
  readonly capacity: () => ReadonlyMap<string, Capacity>;
}

export type EngineRequestHandler = RequestHandler<AwsRequest, EngineResponse>;

export interface Engine {
  /** For `@aws-sdk/client-dynamodb`'s `requestHandler`: the client calls the engine without TCP. */
  readonly requestHandler: EngineRequestHandler;
  /** Whether data outlives the process. */
  readonly persistent: boolean;
  /** Serves other processes over HTTP. Default: 127.0.0.1 and a free port. Closed with the engine. */
  listen(host?: string, port?: number): Promise<Listener>;
  /** Makes the tables that do not exist yet and returns once all are active; their TTL attributes are swept from now on. */
  createTables<Kind extends string>(
    schemas: Readonly<Record<Kind, EngineTable>>,
    names: Readonly<Record<Kind, string>>,
  ): Promise<void>;
  /** Deletes expired rows now, as happens every minute; returns how many. */
  sweep(): Promise<number>;
  /** A part of the same database for others who must survive a restart, such as the queue. */
  keyValueStore(name: string): KeyValueStore;
  close(): Promise<void>;
}

/** A directory cannot be opened: `EMBEDDED_DYNAMODB_LOCKED` (another process has it) or `EMBEDDED_DYNAMODB_UNUSABLE`. */
export class EngineOpenError extends Error {
  readonly code: 'EMBEDDED_DYNAMODB_LOCKED' | 'EMBEDDED_DYNAMODB_UNUSABLE';

  constructor(code: EngineOpenError['code'], message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'EngineOpenError';
    this.code = code;
  }
}

/**
 * dynalite's engine in this process. A subset of DynamoDB: tables, item and batch operations, Query, Scan and
 * conditions; no transactions, streams or PartiQL. Every read is strongly consistent.
 */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  const dynalite = loadDynalite();
  const { store, persistent } = await openStore(dynalite, options);
  const clock = options.clock ?? systemClock;
  const timeToLiveByTable = new Map<string, string>();
  const listeners = new Set<Listener>();
  const run = (operation: string, input: Record<string, unknown>) =>
    execute(dynalite, store, operation, input);

  const sweep = async () => {
    let deleted = 0;
    for (const [table, attribute] of timeToLiveByTable) {
      deleted += await sweepTable(store, run, table, attribute, clock.now());
    }
    return deleted;
  };
  const stopSweeping = scheduleSweeps(clock, sweep);

  const requestHandler = createRequestHandler(async (request): Promise<EngineResponse> => {
    const { statusCode, body, capacity } = await execute(
      dynalite,
      store,
      operationOf(request),
      inputOf(request),
    );
    return { ...jsonResponse(statusCode, body), capacity };
  });

  return {
    requestHandler,
    persistent,
    async listen(host, port) {
      const listener = await listen(requestHandler, host, port);
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
    keyValueStore: (name) => keyValueStore(store.db, name),
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
  // Tables are active at once: nobody waits for a local table.
  const settings = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
  if (directory === undefined || dynalite.levelError) {
    if (directory !== undefined) {
      onWarning(
        'LevelDB cannot be used on this machine, so the data stays in memory and ends with the process ' +
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
    throw new Error(`Table ${name} cannot be made: ${String(created.body.message ?? created.body.__type)}`);
  }
  if (alreadyExists) {
    // A process that ended between making a table and activating it left it so for ever.
    const key = `table~${name}`;
    const table = (await store.db.get(key)) as StoredTable;
    const known = (table.GlobalSecondaryIndexes ?? []).map(({ IndexName }) => IndexName);
    const lacksIndex = indexes.some(({ IndexName }) => !known.includes(IndexName));
    if (lacksIndex || JSON.stringify(table.KeySchema) !== JSON.stringify(keys)) {
      throw new Error(`Table ${name} exists with other keys; use a fresh data directory or another name`);
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

/** Deletes under the condition that the row is still expired: it may be renewed while the sweep goes on. */
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
  const rows = store.db.values(within(`item-${table}~`));
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
