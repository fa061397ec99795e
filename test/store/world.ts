import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { type TenantId, vouchedTenantId } from '../../lib/auth/index.ts';
import { AwsError } from '../../lib/local/aws-json.ts';
import { createManualClock, type ManualClock } from '../../lib/local/clock.ts';
import type { StoreCall } from '../../lib/local/dynamodb/call.ts';
import type { Interception } from '../../lib/local/dynamodb/intercept.ts';
import { type TableKind, type TableNames, tableSchemas } from '../../lib/store/schema.ts';
import { createStores, type Stores } from '../../lib/store/stores.ts';

export type Item = Record<string, AttributeValue>;

/** New tables of a DynamoDB endpoint. */
export interface Tables {
  readonly names: TableNames;
  /** A client like that of another process; `hooks` intercept its calls. */
  client(hooks?: Interception): DynamoDBClient;
  close(): Promise<void>;
}

/** What a contract needs: the stores of any number of processes, and the raw items. */
export interface World {
  readonly clock: ManualClock;
  readonly names: TableNames;
  /** The stores of another process, with empty caches. */
  process(hooks?: Interception): Stores;
  /** A new tenant. */
  tenant(): TenantId;
  /** All items of one partition, or the one item if the table has no sort key. */
  items(kind: TableKind, partitionKey: string): Promise<Item[]>;
  putItem(kind: TableKind, item: Item): Promise<void>;
  close(): Promise<void>;
}

let tenants = 0;

export async function openWorld(open: () => Promise<Tables>): Promise<World> {
  const tables = await open();
  const clock = createManualClock();
  const raw = tables.client();
  return {
    clock,
    names: tables.names,
    process: (hooks) => createStores(tables.client(hooks), tables.names, () => clock.now()),
    tenant() {
      tenants += 1;
      return vouchedTenantId(`tenant-${tenants}`);
    },
    async items(kind, value) {
      const { partitionKey, sortKey } = tableSchemas[kind];
      if (sortKey === undefined) {
        const { Item } = await raw.send(
          new GetItemCommand({ TableName: tables.names[kind], Key: { [partitionKey]: { S: value } } }),
        );
        return Item === undefined ? [] : [Item];
      }
      const { Items = [] } = await raw.send(
        new QueryCommand({
          TableName: tables.names[kind],
          KeyConditionExpression: '#key = :key',
          ExpressionAttributeNames: { '#key': partitionKey },
          ExpressionAttributeValues: { ':key': { S: value } },
          ConsistentRead: true,
        }),
      );
      return Items;
    },
    async putItem(kind, item) {
      await raw.send(new PutItemCommand({ TableName: tables.names[kind], Item: item }));
    },
    close: () => tables.close(),
  };
}

/** Records every call. */
export function recorder(): Interception & { readonly calls: StoreCall[]; readonly operations: string[] } {
  const calls: StoreCall[] = [];
  return {
    calls,
    get operations() {
      return calls.map((call) => call.operation);
    },
    before: (call) => {
      calls.push(call);
    },
  };
}

/**
 * Loses the answer of the first call of an operation, after it took effect. The client sees a
 * server fault and retries, as with AWS.
 */
export function loseFirstAnswer(operation: string): Interception & { readonly lost: () => boolean } {
  let lost = false;
  return {
    lost: () => lost,
    after: (call) => {
      if (lost || call.operation !== operation) return;
      lost = true;
      throw new AwsError('InternalServerError', 'the answer was lost', 500);
    },
  };
}

/** Holds calls of an operation until `count` of them have arrived, so that all of them race. */
export function meetAt(operation: string, count: number): Interception {
  const waiting: (() => void)[] = [];
  return {
    before: (call) => {
      if (call.operation !== operation) return undefined;
      return new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length >= count) for (const release of waiting.splice(0)) release();
      });
    },
  };
}

/** Seconds from now to the TTL of an item; undefined if it has none. */
export function ttlFromNow(item: Item | undefined, clock: ManualClock): number | undefined {
  const ttl = item?.ttl?.N;
  return ttl === undefined ? undefined : Number(ttl) - Math.ceil(clock.now() / 1000);
}

/** Names that are likely to break keys. */
export const oddNames: readonly (readonly [string, string])[] = [
  ['unicode', 'sensor-℃-日本'],
  ['beyond the basic plane', '😀𝒳'],
  ['combining marks', 'e\u0301'],
  ['the same, composed', '\u00e9'],
  ['slashes', '/a//b/'],
  ['separators of keys', 'q#00001'],
  ['the name of a kind', 'session'],
  ['wildcards', '+/#'],
  ['a tilde and a number', '~1~0'],
  ['spaces', ' a b '],
  ['control characters', '\u0001\u001f\u007f'],
  ['a placeholder', '$' + '{clientId}'],
  ['prototype', '__proto__'],
];
