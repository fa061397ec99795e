import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type BatchWriteItemCommandOutput,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  type ReturnValue,
  UpdateItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import type { Item } from './attributes.ts';

/** Names and values that an expression refers to. */
export interface Expression {
  readonly names?: Record<string, string>;
  readonly values?: Record<string, AttributeValue>;
}
export interface Condition extends Expression {
  readonly condition: string;
}

/** Limits of BatchGetItem and BatchWriteItem (Amazon DynamoDB API Reference). */
const maxBatchGetKeys = 100;
const maxBatchWriteItems = 25;
/**
 * Rounds for the unprocessed items of a batch, with exponential back-off and jitter up to 1.6 s.
 */
const maxBatchRounds = 8;

/**
 * One DynamoDB table: single-item operations, queries and batches. A failed condition is a value,
 * not an error.
 */
export class Table {
  readonly client: DynamoDBClient;
  readonly name: string;

  constructor(client: DynamoDBClient, name: string) {
    this.client = client;
    this.name = name;
  }

  async get(key: Item, consistent: boolean): Promise<Item | undefined> {
    const output = await this.client.send(
      new GetItemCommand({ TableName: this.name, Key: key, ConsistentRead: consistent }),
    );
    return output.Item;
  }

  async put(item: Item): Promise<void> {
    await this.client.send(new PutItemCommand({ TableName: this.name, Item: item }));
  }

  /** @returns the item that was replaced, if any. */
  async replace(item: Item): Promise<Item | undefined> {
    const output = await this.client.send(
      new PutItemCommand({ TableName: this.name, Item: item, ReturnValues: 'ALL_OLD' }),
    );
    return output.Attributes;
  }

  /** @returns false when the condition failed. */
  async putIf(item: Item, condition: Condition): Promise<boolean> {
    return succeeded(
      this.client.send(
        new PutItemCommand({
          TableName: this.name,
          Item: item,
          ConditionExpression: condition.condition,
          ExpressionAttributeNames: condition.names,
          ExpressionAttributeValues: condition.values,
        }),
      ),
    );
  }

  /**
   * @param expressions `update`, optionally `condition`, and the names and values of both.
   * @returns the attributes that `returning` selects (empty for NONE); undefined when the condition
   *   failed.
   */
  async update(
    key: Item,
    expressions: Expression & { readonly update: string; readonly condition?: string },
    returning: ReturnValue = 'NONE',
  ): Promise<Item | undefined> {
    try {
      const output = await this.client.send(
        new UpdateItemCommand({
          TableName: this.name,
          Key: key,
          UpdateExpression: expressions.update,
          ConditionExpression: expressions.condition,
          ExpressionAttributeNames: expressions.names,
          ExpressionAttributeValues: expressions.values,
          ReturnValues: returning,
        }),
      );
      return output.Attributes ?? {};
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }

  /** @returns the deleted item, if it existed. */
  async delete(key: Item): Promise<Item | undefined> {
    const output = await this.client.send(
      new DeleteItemCommand({ TableName: this.name, Key: key, ReturnValues: 'ALL_OLD' }),
    );
    return output.Attributes;
  }

  /** @returns false when the condition failed. */
  async deleteIf(key: Item, condition: Condition): Promise<boolean> {
    return succeeded(
      this.client.send(
        new DeleteItemCommand({
          TableName: this.name,
          Key: key,
          ConditionExpression: condition.condition,
          ExpressionAttributeNames: condition.names,
          ExpressionAttributeValues: condition.values,
        }),
      ),
    );
  }

  /** One page of a Query: at most 1 MB. */
  async page(input: QueryInput): Promise<{ items: Item[]; count: number; next: Item | undefined }> {
    const output = await this.client.send(new QueryCommand({ ...input, TableName: this.name }));
    return { items: output.Items ?? [], count: output.Count ?? 0, next: output.LastEvaluatedKey };
  }

  /** All pages of a Query, one after another. */
  async *items(input: QueryInput): AsyncGenerator<Item> {
    let start: Item | undefined;
    do {
      const page = await this.page(start === undefined ? input : { ...input, ExclusiveStartKey: start });
      yield* page.items;
      start = page.next;
    } while (start !== undefined);
  }

  /** Reads items by key, unordered, without those that are absent. */
  async getMany(keys: readonly Item[], consistent = false): Promise<Item[]> {
    const chunks = chunksOf(keys, maxBatchGetKeys);
    const consistency = consistent ? { ConsistentRead: true } : {};
    const found = await Promise.all(
      chunks.map((chunk) => getBatch(this.client, { [this.name]: { Keys: chunk, ...consistency } })),
    );
    return found.flatMap((tables) => tables[this.name] ?? []);
  }

  /** Puts items with different keys, without conditions and in any order. */
  async putMany(items: readonly Item[]): Promise<void> {
    const [first, ...others] = items;
    if (first === undefined) return;
    if (others.length === 0) return this.put(first);
    await this.writeMany(items.map((Item) => ({ PutRequest: { Item } })));
  }

  /** Puts and deletes without conditions: 25 per request, requests concurrently. */
  async writeMany(writes: readonly WriteRequest[]): Promise<void> {
    await Promise.all(chunksOf(writes, maxBatchWriteItems).map((chunk) => this.#writeBatch(chunk)));
  }

  async #writeBatch(writes: WriteRequest[]): Promise<void> {
    let remaining: WriteRequest[] | undefined = writes;
    for (let round = 0; remaining !== undefined && remaining.length > 0; round += 1) {
      if (round === maxBatchRounds) throw new BatchUnprocessedError(remaining.length);
      if (round > 0) await pause(round);
      const output: BatchWriteItemCommandOutput = await this.client.send(
        new BatchWriteItemCommand({ RequestItems: { [this.name]: remaining } }),
      );
      remaining = output.UnprocessedItems?.[this.name];
    }
  }
}

export type QueryInput = Omit<QueryCommandInput, 'TableName'>;

/**
 * DynamoDB left items of a batch unprocessed in every round: the table is throttled. The caller may
 * retry.
 */
class BatchUnprocessedError extends Error {
  readonly code = 'batch-unprocessed';
  override readonly name = 'BatchUnprocessedError';
  constructor(count: number) {
    super(`DynamoDB left ${count} items of a batch unprocessed after ${maxBatchRounds} rounds`);
  }
}

/** Keys to read from one table. */
export interface BatchKeys {
  readonly Keys: Item[];
  readonly ConsistentRead?: boolean;
}

/** BatchGetItem over several tables, at most 100 keys, repeated for unprocessed keys. */
export async function getBatch(
  client: DynamoDBClient,
  keysByTable: Record<string, BatchKeys>,
): Promise<Record<string, Item[]>> {
  const found: Record<string, Item[]> = {};
  let request = keysByTable;
  for (let round = 0; Object.keys(request).length > 0; round += 1) {
    if (round === maxBatchRounds) throw new BatchUnprocessedError(Object.keys(request).length);
    if (round > 0) await pause(round);
    const output = await client.send(new BatchGetItemCommand({ RequestItems: request }));
    for (const [name, items] of Object.entries(output.Responses ?? {})) {
      const list = found[name] ?? [];
      list.push(...items);
      found[name] = list;
    }
    const unprocessed: Record<string, BatchKeys> = {};
    for (const [name, rest] of Object.entries(output.UnprocessedKeys ?? {}))
      if (rest.Keys !== undefined && rest.Keys.length > 0)
        unprocessed[name] = { ...request[name], Keys: rest.Keys };
    request = unprocessed;
  }
  return found;
}

async function succeeded(operation: Promise<unknown>): Promise<boolean> {
  try {
    await operation;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

function chunksOf<T>(values: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < values.length; start += size) chunks.push(values.slice(start, start + size));
  return chunks;
}

function pause(round: number): Promise<void> {
  const milliseconds = Math.random() * 25 * 2 ** Math.min(round, 6);
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
