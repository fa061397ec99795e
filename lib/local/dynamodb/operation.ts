import { Stream } from 'node:stream';
import { isJsonObject } from '../aws-json.ts';
import { type Capacity, Usage } from './capacity.ts';
import { CheckedWrites } from './checked-writes.ts';
import type { Callback, Dynalite, Item, LevelIterator, Range, Release, Section, Store } from './dynalite.ts';
import { PlainReads } from './plain-reads.ts';

export interface Outcome {
  readonly statusCode: number;
  readonly body: Record<string, unknown>;
  /** Consumed capacity by table. */
  readonly capacity: () => ReadonlyMap<string, Capacity>;
}

const failureType = 'com.amazonaws.dynamodb.v20120810#InternalServerError';
const conditionFailedType = 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException';

/** Rows per read from LevelDB. */
const rowsPerFetch = 100;

/** Descriptions of active tables, which every operation needs, until one of a table changes it. */
const activeTables = new WeakMap<Store, Map<string, unknown>>();

/**
 * Runs one operation: plain reads directly, all others in dynalite, on a view of its store that is
 * private to this request. The view
 * - turns errors that dynalite throws, also in callbacks, into a 500 and releases its item locks;
 * - closes all iterators (dynalite's own streams leak one per Query);
 * - records the items touched, for consumed capacity and for ReturnValuesOnConditionCheckFailure,
 *   which dynalite ignores.
 */
export async function executeOperation(
  dynalite: Dynalite,
  store: Store,
  operation: string,
  input: Record<string, unknown> | undefined,
): Promise<Outcome> {
  if (input === undefined || (operation !== 'GetItem' && operation !== 'Query'))
    return executeInDynalite(dynalite, store, operation, input);
  const reads = plainReads.get(store) ?? new PlainReads(dynalite);
  plainReads.set(store, reads);
  const table = activeTables.get(store)?.get(String(input.TableName));
  const plain = await reads.read(store, table, operation, input);
  if (plain !== undefined) return { statusCode: 200, ...plain };
  const outcome = await executeInDynalite(dynalite, store, operation, input);
  if (outcome.statusCode === 200 && operation === 'Query') reads.accept(input);
  return outcome;
}

/** Reads that need no dynalite, by store. */
const plainReads = new WeakMap<Store, PlainReads>();
/** Kinds of writes that need no check of their form, by store. */
const checkedWrites = new WeakMap<Store, CheckedWrites>();

function executeInDynalite(
  dynalite: Dynalite,
  store: Store,
  operation: string,
  input: Record<string, unknown> | undefined,
): Promise<Outcome> {
  const usage = new Usage();
  return new Promise((resolve) => {
    const heldLocks = new Set<() => void>();
    const settle = (statusCode: number, body: Record<string, unknown>) => {
      const capacity = () => usage.byTable(operation, input ?? {}, body);
      if (statusCode === 200 && input && wantsCapacity(input))
        body.ConsumedCapacity = consumedCapacity(input, capacity());
      resolve({ statusCode, body, capacity });
    };
    const fail = (error: unknown) => {
      const refusal = refusalOf(error);
      if (refusal) {
        if (refusal.body.__type === conditionFailedType && wantsImage(input) && usage.itemBefore) {
          refusal.body.Item = usage.itemBefore;
        }
        settle(refusal.statusCode, refusal.body);
        return;
      }
      for (const unlock of [...heldLocks]) unlock();
      settle(500, { __type: failureType, message: 'The embedded DynamoDB failed on this request' });
    };
    const guard =
      <Arguments extends unknown[]>(callback: (...values: Arguments) => void) =>
      (...values: Arguments) => {
        try {
          callback(...values);
        } catch (error) {
          fail(error);
        }
      };

    const action = dynalite.action(operation);
    if (!action) {
      settle(400, { __type: 'com.amazon.coral.service#UnknownOperationException', message: '' });
      return;
    }
    if (!input) {
      settle(400, { __type: 'com.amazon.coral.service#SerializationException', message: '' });
      return;
    }
    guard(() => {
      const checks = checkedWrites.get(store) ?? new CheckedWrites(dynalite);
      checkedWrites.set(store, checks);
      const data = checks.check(store, operation, action.validation, input);
      const isOfTables = operation.endsWith('Table');
      const view = viewOf(store, usage, guard, fail, heldLocks);
      action.run(isOfTables ? view : withKnownTables(view, store), data, (error, result) => {
        if (error) fail(error);
        else settle(200, isJsonObject(result) ? result : {});
      });
    })();
  });
}

/** A view that reads the description of a table once, and not from LevelDB for each operation. */
function withKnownTables(view: Store, store: Store): Store {
  const known = activeTables.get(store) ?? new Map<string, unknown>();
  activeTables.set(store, known);
  return {
    ...view,
    getTable(name, checkStatus, callback) {
      const table = known.get(name);
      const done = typeof checkStatus === 'function' ? checkStatus : callback;
      if (table !== undefined) return done?.(null, table);
      view.getTable(name, checkStatus !== false, (error, found) => {
        if (isJsonObject(found) && found.TableStatus === 'ACTIVE') known.set(name, found);
        done?.(error, found);
      });
    },
  };
}

/** The section of tables, whose writes end what {@link withKnownTables} knows. */
function forgettingTables(store: Store, section: Section): Section {
  const forget = (name: string) => activeTables.get(store)?.delete(name);
  return {
    ...section,
    put(name, table, callback) {
      forget(name);
      section.put(name, table, callback);
    },
    del(name, callback) {
      forget(name);
      section.del(name, callback);
    },
  };
}

type Guard = <Arguments extends unknown[]>(
  callback: (...values: Arguments) => void,
) => (...values: Arguments) => void;

function viewOf(
  store: Store,
  usage: Usage,
  guard: Guard,
  fail: (error: unknown) => void,
  heldLocks: Set<() => void>,
): Store {
  const lockOf = (section: Section) => (key: string, exec: (release: Release) => void) =>
    section.lock(
      key,
      guard((release: Release) => {
        const letGo = release();
        const unlock = () => {
          if (heldLocks.delete(unlock)) letGo();
        };
        heldLocks.add(unlock);
        exec((done) => (error, value) => {
          unlock();
          done?.(error, value);
        });
      }),
    );
  const clear = (prefix: string, callback: Callback) => {
    store.db.clear(rangeWithin(prefix)).then(
      guard(() => callback()),
      guard((error: unknown) => callback(error)),
    );
  };
  const viewOfSection = (section: Section, prefix: string): Section => ({
    ...section,
    get: (key, callback) => section.get(key, guard(callback)),
    put: (key, value, callback) => section.put(key, value, guard(callback)),
    del: (key, callback) => section.del(key, guard(callback)),
    lock: lockOf(section),
    createKeyStream: (range = {}) =>
      streamOf(
        store.db.keys(rangeWithin(prefix, range)),
        range.limit,
        (key) => key.slice(prefix.length),
        fail,
      ),
    createValueStream: (range) =>
      streamOf(store.db.values(rangeWithin(prefix, range)), range.limit, (value) => value, fail),
  });
  return {
    ...store,
    tableDb: forgettingTables(store, viewOfSection(store.tableDb, 'table~')),
    getTable: (name, checkStatus, callback) =>
      typeof checkStatus === 'function'
        ? store.getTable(name, guard(checkStatus))
        : store.getTable(name, checkStatus, guard(callback ?? (() => {}))),
    getItemDb: (table) => {
      const view = viewOfSection(store.getItemDb(table), `item-${table}~`);
      return {
        ...view,
        get: (key, callback) =>
          view.get(key, (error, item) => {
            usage.noteGet(table, key, isJsonObject(item) ? (item as Item) : undefined);
            callback(error, item);
          }),
        put: (key, item, callback) => {
          usage.notePut(table, key, item as Item);
          view.put(key, item, callback);
        },
        createValueStream: (range) =>
          streamOf(
            store.db.values(rangeWithin(`item-${table}~`, range)),
            range.limit,
            (item) => {
              usage.noteScanned(table, item as Item);
              return item;
            },
            fail,
          ),
      };
    },
    getIndexDb: (type, table, index) => {
      const prefix = `index-${type.toLowerCase()}~${table}~${index}~`;
      const view = viewOfSection(store.getIndexDb(type, table, index), prefix);
      return {
        ...view,
        put: (key, entry, callback) => {
          usage.noteIndexPut(table, entry as Item);
          view.put(key, entry, callback);
        },
        del: (key, callback) => {
          usage.noteIndexDelete(table);
          view.del(key, callback);
        },
        createValueStream: (range) =>
          streamOf(
            store.db.values(rangeWithin(prefix, range)),
            range.limit,
            (item) => {
              usage.noteScanned(table, item as Item);
              return item;
            },
            fail,
          ),
      };
    },
    deleteItemDb: (table, callback) => clear(`item-${table}~`, callback),
    deleteTagDb: (table, callback) => clear(`tag-${table}~`, callback),
  };
}

/** Converts a range of one key prefix to a range of the whole database. */
export function rangeWithin(prefix: string, range: Range = {}): Range {
  return {
    ...(range.reverse ? { reverse: true } : {}),
    ...(range.limit ? { limit: range.limit } : {}),
    ...(range.gt !== undefined ? { gt: prefix + range.gt } : { gte: prefix + (range.gte ?? '') }),
    ...(range.lte !== undefined ? { lte: prefix + range.lte } : { lt: prefix + (range.lt ?? '\u{ff}') }),
  };
}

/**
 * The stream interface that dynalite's dependency `lazy` uses: 'data' and 'end' events, and
 * destroy() to stop. `lazy` yields rows twice unless the object is an `instanceof Stream`.
 */
class RowStream extends Stream {
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
  }
}

function streamOf<T>(
  iterator: LevelIterator<T>,
  limit: number | undefined,
  read: (row: T) => unknown,
  fail: (error: unknown) => void,
): RowStream {
  const stream = new RowStream();
  const size = limit !== undefined && limit > 0 ? Math.min(limit, rowsPerFetch) : rowsPerFetch;
  const pump = async () => {
    try {
      for (let rows = await iterator.nextv(size); rows.length > 0; rows = await iterator.nextv(size)) {
        for (const row of rows) {
          if (stream.destroyed) return;
          stream.emit('data', read(row));
        }
        if (stream.destroyed) return;
      }
      stream.emit('end');
    } catch (error) {
      fail(error);
    } finally {
      await iterator.close();
    }
  };
  pump().catch(fail);
  return stream;
}

/** An error response of dynalite, such as a validation error, failed condition or unknown table. */
function refusalOf(error: unknown): { statusCode: number; body: Record<string, unknown> } | undefined {
  if (!(error instanceof Error)) return undefined;
  const { statusCode, body } = error as Error & { statusCode?: unknown; body?: unknown };
  return typeof statusCode === 'number' && isJsonObject(body) ? { statusCode, body: { ...body } } : undefined;
}

function wantsImage(input: Record<string, unknown> | undefined): boolean {
  return input?.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
}

function wantsCapacity(input: Record<string, unknown>): boolean {
  return input.ReturnConsumedCapacity === 'TOTAL' || input.ReturnConsumedCapacity === 'INDEXES';
}

function consumedCapacity(input: Record<string, unknown>, capacity: ReadonlyMap<string, Capacity>): unknown {
  const perTable = [...capacity].map(([TableName, { readUnits, writeUnits }]) => ({
    TableName,
    CapacityUnits: readUnits + writeUnits,
    ...(input.ReturnConsumedCapacity === 'INDEXES'
      ? { Table: { CapacityUnits: readUnits + writeUnits } }
      : {}),
  }));
  return isJsonObject(input.RequestItems) ? perTable : perTable[0];
}
