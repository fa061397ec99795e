import type { Item } from './dynalite.ts';

/**
 * Consumed capacity by the DynamoDB developer guide ("Read and write operations", "Item sizes and
 * formats"). dynalite's own figure counts UTF-16 code units and omits empty queries and failed
 * conditions.
 */
export interface Capacity {
  readonly readUnits: number;
  readonly writeUnits: number;
}

const kilobyte = 1024;

/**
 * Bytes of attribute names and values: UTF-8; numbers have 1 byte per 2 significant digits, plus 1.
 */
export function itemBytes(item: Item): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) bytes += Buffer.byteLength(name) + valueBytes(value);
  return bytes;
}

function valueBytes(attribute: Record<string, unknown>): number {
  const [type, value] = Object.entries(attribute)[0] ?? ['NULL', true];
  switch (type) {
    case 'S':
      return Buffer.byteLength(String(value));
    case 'N':
      return numberBytes(String(value));
    case 'B':
      return base64Bytes(String(value));
    case 'SS':
      return sum(value as string[], (element) => Buffer.byteLength(element));
    case 'NS':
      return sum(value as string[], numberBytes);
    case 'BS':
      return sum(value as string[], base64Bytes);
    case 'L':
      return 3 + sum(value as Record<string, unknown>[], (element) => 1 + valueBytes(element));
    case 'M':
      return 3 + Object.keys(value as Item).length + itemBytes(value as Item);
    default:
      return 1;
  }
}

function numberBytes(text: string): number {
  const digits = text
    .replace(/[eE].*$/, '')
    .replace(/[-+.]/g, '')
    .replace(/^0+|0+$/g, '');
  return Math.ceil(digits.length / 2) + 1 + (text.startsWith('-') ? 1 : 0);
}

function base64Bytes(text: string): number {
  return (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
}

/** One unit per started 4 KB, at least one; half of it if eventually consistent. */
function readUnits(bytes: number, consistent: boolean): number {
  return Math.max(1, Math.ceil(bytes / (4 * kilobyte))) * (consistent ? 1 : 0.5);
}

/** One unit per started KB of the item before or after, whichever is larger; at least one. */
function writeUnits(beforeBytes: number, afterBytes: number): number {
  return Math.max(1, Math.ceil(Math.max(beforeBytes, afterBytes) / kilobyte));
}

/** Records the items that one request touches. Computes capacity on demand. */
export class Usage {
  #items: { readonly table: string; readonly item: Item | undefined }[] = [];
  #scanned: { readonly table: string; readonly item: Item }[] = [];
  #before = new Map<string, { readonly table: string; readonly item: Item | undefined }>();
  #after = new Map<string, Item>();
  #indexPuts: { readonly table: string; readonly entry: Item }[] = [];
  #indexDeletes: string[] = [];

  noteGet(table: string, key: string, item: Item | undefined): void {
    this.#items.push({ table, item });
    this.#before.set(`${table}~${key}`, { table, item });
  }

  notePut(table: string, key: string, item: Item): void {
    this.#after.set(`${table}~${key}`, item);
  }

  noteIndexPut(table: string, entry: Item): void {
    this.#indexPuts.push({ table, entry });
  }

  noteIndexDelete(table: string): void {
    this.#indexDeletes.push(table);
  }

  noteScanned(table: string, item: Item): void {
    this.#scanned.push({ table, item });
  }

  /** The item before a single-item request, which a failed condition returns. */
  get itemBefore(): Item | undefined {
    return this.#items[0]?.item;
  }

  /** Capacity by table. `input` and `output` are the JSON of request and response. */
  byTable(
    operation: string,
    input: Record<string, unknown>,
    output: Record<string, unknown>,
  ): Map<string, Capacity> {
    const totals = new Map<string, Capacity>();
    const add = (table: string, read: number, write: number) => {
      const total = totals.get(table) ?? { readUnits: 0, writeUnits: 0 };
      totals.set(table, { readUnits: total.readUnits + read, writeUnits: total.writeUnits + write });
    };
    switch (operation) {
      case 'GetItem':
      case 'BatchGetItem':
        for (const { table, item } of this.#items) {
          add(table, readUnits(item ? itemBytes(item) : 0, isConsistent(operation, input, table)), 0);
        }
        break;
      case 'PutItem':
      case 'UpdateItem':
      case 'DeleteItem':
      case 'BatchWriteItem':
        for (const [key, { table, item }] of this.#before) {
          const after = this.#after.get(key);
          add(table, 0, writeUnits(item ? itemBytes(item) : 0, after ? itemBytes(after) : 0));
        }
        // Per index: one write for a new or removed entry, two if its keys change, none if they
        // stay.
        for (const { table, entry } of this.#indexPuts)
          if (!this.#stood(table, entry)) add(table, 0, writeUnits(0, itemBytes(entry)));
        for (const table of this.#indexDeletes) add(table, 0, 1);
        break;
      case 'Query':
      case 'Scan': {
        // dynalite reads one item past the page; only the items of the page are billed.
        if (typeof output.ScannedCount !== 'number') break;
        const evaluated = this.#scanned.slice(0, output.ScannedCount);
        const bytes = sum(evaluated, ({ item }) => itemBytes(item));
        add(String(input.TableName), readUnits(bytes, input.ConsistentRead === true), 0);
        break;
      }
      default:
    }
    return totals;
  }

  /** An index entry holds the table's keys too, so only its own item contains all its values. */
  #stood(table: string, entry: Item): boolean {
    return [...this.#before.values()].some(
      (before) =>
        before.table === table &&
        before.item !== undefined &&
        Object.entries(entry).every(
          ([name, value]) => JSON.stringify(before.item?.[name]) === JSON.stringify(value),
        ),
    );
  }
}

function isConsistent(operation: string, input: Record<string, unknown>, table: string): boolean {
  if (operation === 'GetItem') return input.ConsistentRead === true;
  const requests = input.RequestItems as Record<string, { ConsistentRead?: boolean }> | undefined;
  return requests?.[table]?.ConsistentRead === true;
}

function sum<T>(values: readonly T[], measure: (value: T) => number): number {
  return values.reduce((total, value) => total + measure(value), 0);
}
