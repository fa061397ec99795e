import { createRequire, Module } from 'node:module';
import { type ExpressionParser, rememberParsed } from './parsed-expressions.ts';

/**
 * Types of dynalite 4.0.0's internals. The version is pinned, because dynalite exports none of
 * them.
 */
export type Callback<T = unknown> = (error?: unknown, value?: T) => void;
export type Release = (done?: Callback) => Callback;
export type Item = Record<string, Record<string, unknown>>;

export interface Range {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
  /** `utf8`: values as JSON text. Default: values. */
  readonly valueEncoding?: string;
}

/** One key prefix of the database: the items of a table, or the list of tables. */
export interface Section {
  get(key: string, callback: Callback): void;
  put(key: string, value: unknown, callback: Callback): void;
  del(key: string, callback: Callback): void;
  lock(key: string, exec: (release: Release) => void): void;
  createValueStream(range: Range): unknown;
  createKeyStream(range?: Range): unknown;
}

export interface LevelIterator<T> {
  nextv(size: number): Promise<T[]>;
  close(): Promise<void>;
}

/**
 * abstract-level 3 with JSON values, wrapped by dynalite. Without a callback its methods return
 * promises.
 */
export interface Level {
  open(): Promise<void>;
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  del(key: string): Promise<void>;
  keys(range: Range): LevelIterator<string>;
  values(range: Range): LevelIterator<unknown>;
  iterator(range: Range): LevelIterator<[string, unknown]>;
  clear(range: Range): Promise<void>;
}

export interface Store {
  readonly options: Readonly<Record<string, unknown>>;
  readonly db: Level;
  readonly tableDb: Section;
  getItemDb(table: string): Section;
  getIndexDb(type: string, table: string, index: string): Section;
  deleteItemDb(table: string, callback: Callback): void;
  deleteTagDb(table: string, callback: Callback): void;
  getTable(name: string, checkStatus: boolean | Callback, callback?: Callback): void;
  readonly lifecycleManager: { gracefulClose(): Promise<void> };
}

export type Action = (store: Store, data: Record<string, unknown>, callback: Callback) => void;

export interface ActionValidation {
  readonly types: object;
  /** @returns what is wrong. */
  readonly custom?: (data: object, store: Store) => unknown;
}

export interface Dynalite {
  readonly create: (options: object) => Store;
  readonly checkTypes: (data: object, types: object) => Record<string, unknown>;
  readonly checkValidations: (data: object, types: object, custom: unknown, store: Store) => void;
  readonly action: (
    operation: string,
  ) => { readonly run: Action; readonly validation: ActionValidation } | undefined;
  readonly validationError: (message: string) => Error;
  /** How keys of rows are made of the values of key attributes. */
  readonly keys: {
    readonly hashPrefix: (value: string, type: 'S') => string;
    readonly toRangeStr: (value: string, type: 'S') => string;
  };
  /** Why LevelDB is not usable; undefined if it is. */
  readonly levelError: Error | undefined;
}

/** The supported operations. TTL has its own sweep; nothing updates tables or tags. */
const operations = [
  'BatchGetItem',
  'BatchWriteItem',
  'CreateTable',
  'DeleteItem',
  'DeleteTable',
  'DescribeTable',
  'GetItem',
  'ListTables',
  'PutItem',
  'Query',
  'Scan',
  'UpdateItem',
];

let loaded: Dynalite | undefined;

/**
 * Loads dynalite. If the native part of its dependency `level` is missing, an empty module replaces
 * `level`, and dynalite works in memory. Its parsers of expressions get a memory of what they
 * parsed.
 */
export function loadDynalite(): Dynalite {
  if (loaded) return loaded;
  const require = createRequire(import.meta.url);
  const levelError = loadLevel(require);
  for (const name of ['condition', 'projection', 'update'])
    rememberParsed(require(`dynalite/db/${name}Parser`) as ExpressionParser);
  const store = require('dynalite/db') as Pick<Dynalite, 'create' | 'validationError'> & Dynalite['keys'];
  const validations = require('dynalite/validations') as Pick<Dynalite, 'checkTypes' | 'checkValidations'>;
  const actions = new Map(
    operations.map((operation) => {
      const file = operation.charAt(0).toLowerCase() + operation.slice(1);
      const run = require(`dynalite/actions/${file}`) as Action;
      const validation = require(`dynalite/validations/${file}`) as ActionValidation;
      return [operation, { run, validation }] as const;
    }),
  );
  loaded = {
    create: store.create,
    validationError: store.validationError,
    keys: store,
    checkTypes: validations.checkTypes,
    checkValidations: validations.checkValidations,
    action: (operation) => actions.get(operation),
    levelError,
  };
  return loaded;
}

function loadLevel(require: NodeJS.Require): Error | undefined {
  const path = createRequire(require.resolve('dynalite')).resolve('level');
  try {
    require(path);
    return undefined;
  } catch (error) {
    const empty = new Module(path);
    empty.exports = {};
    empty.loaded = true;
    require.cache[path] = empty as NodeJS.Module;
    return error instanceof Error ? error : new Error(String(error));
  }
}
