import { isJsonObject } from '../aws-json.ts';
import { type Capacity, Usage } from './capacity.ts';
import type { Dynalite, Item, Store } from './dynalite.ts';

/** What a plain read needs of the description of a table. */
interface Keys {
  readonly partition: string;
  readonly sort: string | undefined;
}

export interface PlainRead {
  readonly body: Record<string, unknown>;
  readonly capacity: () => ReadonlyMap<string, Capacity>;
}

/** Longest key that is certainly allowed, in UTF-16 units. */
const maxKeyLength = 1_024;
/** Rows of a Query; one that finds as many and may find more is left to dynalite. */
const maxRows = 100;
/** Text of the rows of a Query, far below the 1 MB at which a page ends. */
const maxTextLength = 256 * 1024;
const getItemMembers = new Set(['TableName', 'Key', 'ConsistentRead']);
const queryMembers = new Set([
  'TableName',
  'KeyConditionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ConsistentRead',
  'Limit',
]);
/** A partition, or a range of its sort keys. */
const keyCondition = /^(#?\w+) = (:\w+)(?: AND (#?\w+) BETWEEN (:\w+) AND (:\w+))?$/;

/**
 * Serves the reads of the message path without dynalite, on the same rows: GetItem by string keys,
 * and Query of a partition or a range of it. Dynalite takes several times the CPU for checks and
 * copies that these requests do not need.
 *
 * Whatever is not certainly valid and small is left to dynalite, and so is the first use of an
 * expression, which dynalite then has accepted ({@link PlainReads.accept}).
 */
export class PlainReads {
  readonly #dynalite: Dynalite;
  readonly #accepted = new Set<string>();
  readonly #keys = new WeakMap<object, Keys | 'other'>();

  constructor(dynalite: Dynalite) {
    this.#dynalite = dynalite;
  }

  /** Notes that dynalite has served a Query. */
  accept(input: Record<string, unknown>): void {
    if (this.#accepted.size < maxAccepted) this.#accepted.add(nameOf(input));
  }

  /** @returns undefined if dynalite must serve the request. */
  read(
    store: Store,
    table: unknown,
    operation: string,
    input: Record<string, unknown>,
  ): Promise<PlainRead | undefined> | undefined {
    const keys = this.#keysOf(table);
    if (keys === undefined) return undefined;
    if (operation === 'GetItem') return this.#get(store, keys, input);
    return operation === 'Query' ? this.#query(store, keys, input) : undefined;
  }

  #get(store: Store, keys: Keys, input: Record<string, unknown>): Promise<PlainRead> | undefined {
    const { TableName: table, Key: key } = input;
    if (typeof table !== 'string' || !isJsonObject(key) || !hasOnly(input, getItemMembers)) return undefined;
    if (Object.keys(key).length !== (keys.sort === undefined ? 1 : 2)) return undefined;
    const partition = textOf(key[keys.partition]);
    const sort = keys.sort === undefined ? undefined : textOf(key[keys.sort]);
    if (partition === undefined || (keys.sort !== undefined && sort === undefined)) return undefined;
    const row = `${this.#partition(partition)}${sort === undefined ? '' : `${this.#position(sort)}/`}`;
    return store.db.get(`item-${table}~${row}`).then((item) => {
      const body = isJsonObject(item) ? { Item: item } : {};
      return {
        body,
        capacity: () => {
          const usage = new Usage();
          usage.noteGet(table, row, item as Item | undefined);
          return usage.byTable('GetItem', input, body);
        },
      };
    });
  }

  #query(
    store: Store,
    keys: Keys,
    input: Record<string, unknown>,
  ): Promise<PlainRead | undefined> | undefined {
    const { TableName: table, Limit: limit = Number.POSITIVE_INFINITY } = input;
    if (typeof table !== 'string' || !hasOnly(input, queryMembers)) return undefined;
    if (!this.#accepted.has(nameOf(input)) || typeof limit !== 'number' || !(limit >= 1)) return undefined;
    const range = this.#rangeOf(keys, input);
    return range && this.#rows(store, table, keys, range, limit, input);
  }

  async #rows(
    store: Store,
    table: string,
    keys: Keys,
    { gte, lt }: { readonly gte: string; readonly lt: string },
    limit: number,
    input: Record<string, unknown>,
  ): Promise<PlainRead | undefined> {
    const prefix = `item-${table}~`;
    const most = Math.min(limit, maxRows);
    const range = { gte: prefix + gte, lt: prefix + lt, limit: most, valueEncoding: 'utf8' };
    const iterator = store.db.values(range);
    let texts: string[];
    try {
      texts = (await iterator.nextv(most)) as string[];
    } finally {
      await iterator.close();
    }
    let length = 0;
    for (const text of texts) length += text.length;
    const isFull = texts.length >= limit;
    if (length > maxTextLength || (texts.length === most && !isFull)) return undefined;
    const items = texts.map((text) => JSON.parse(text) as Item);
    const last = items.at(-1);
    const body = {
      Items: items,
      Count: items.length,
      ScannedCount: items.length,
      ...(isFull && last !== undefined ? { LastEvaluatedKey: keyOf(last, keys) } : {}),
    };
    return {
      body,
      capacity: () => {
        const usage = new Usage();
        for (const item of items) usage.noteScanned(table, item);
        return usage.byTable('Query', input, body);
      },
    };
  }

  /** The rows that a key condition selects; undefined: it is another condition. */
  #rangeOf(
    keys: Keys,
    input: Record<string, unknown>,
  ): { readonly gte: string; readonly lt: string } | undefined {
    const {
      KeyConditionExpression: condition,
      ExpressionAttributeNames: names = {},
      ExpressionAttributeValues: values,
    } = input;
    if (typeof condition !== 'string' || !isJsonObject(names) || !isJsonObject(values)) return undefined;
    const [, hash = '', equal = '', range, from, to] = keyCondition.exec(condition) ?? [];
    const named = (name: string): unknown => (name.startsWith('#') ? names[name] : name);
    const used = (range === undefined ? [hash] : [hash, range]).filter((name) => name.startsWith('#'));
    if (named(hash) !== keys.partition || used.length !== Object.keys(names).length) return undefined;
    const partition = textOf(values[equal]);
    if (partition === undefined) return undefined;
    const start = this.#partition(partition);
    if (range === undefined || from === undefined || to === undefined)
      return Object.keys(values).length === 1 ? { gte: start, lt: `${start}~` } : undefined;
    const [first, last] = [textOf(values[from]), textOf(values[to])];
    if (named(range) !== keys.sort || first === undefined || last === undefined) return undefined;
    if (from === to || from === equal || to === equal || Object.keys(values).length !== 3) return undefined;
    const [lower, upper] = [this.#position(first), this.#position(last)];
    return lower <= upper ? { gte: `${start}${lower}/`, lt: `${start}${upper}/~` } : undefined;
  }

  #partition(value: string): string {
    const { hashPrefix, toRangeStr } = this.#dynalite.keys;
    return `${hashPrefix(value, 'S')}/${toRangeStr(value, 'S')}/`;
  }

  #position(value: string): string {
    return this.#dynalite.keys.toRangeStr(value, 'S');
  }

  #keysOf(table: unknown): Keys | undefined {
    if (!isJsonObject(table)) return undefined;
    const known = this.#keys.get(table) ?? readKeys(table);
    this.#keys.set(table, known);
    return known === 'other' ? undefined : known;
  }
}

/** The service has some tens of expressions. */
const maxAccepted = 1_000;

function nameOf({ TableName, KeyConditionExpression }: Record<string, unknown>): string {
  return `${TableName} ${KeyConditionExpression}`;
}

function hasOnly(input: Record<string, unknown>, members: ReadonlySet<string>): boolean {
  for (const member in input) if (!members.has(member)) return false;
  return typeof input.ConsistentRead === 'boolean' || input.ConsistentRead === undefined;
}

/** The value of a string that may be a key. */
function textOf(attribute: unknown): string | undefined {
  if (!isJsonObject(attribute)) return undefined;
  const { S: text, ...others } = attribute;
  if (typeof text !== 'string' || text === '' || text.length > maxKeyLength) return undefined;
  return Object.keys(others).length === 0 ? text : undefined;
}

function keyOf(item: Item, { partition, sort }: Keys): Item {
  const names = sort === undefined ? [partition] : [partition, sort];
  return Object.fromEntries(names.map((name) => [name, item[name] ?? {}]));
}

function readKeys(table: Record<string, unknown>): Keys | 'other' {
  const { KeySchema: schema, AttributeDefinitions: definitions } = table as {
    readonly KeySchema: readonly { readonly AttributeName: string }[];
    readonly AttributeDefinitions: readonly {
      readonly AttributeName: string;
      readonly AttributeType: string;
    }[];
  };
  const [partition, sort] = schema.map(({ AttributeName }) => AttributeName);
  const isText = (name: string | undefined): boolean =>
    definitions.some(({ AttributeName, AttributeType }) => AttributeName === name && AttributeType === 'S');
  if (partition === undefined || !isText(partition)) return 'other';
  return sort === undefined || isText(sort) ? { partition, sort } : 'other';
}
