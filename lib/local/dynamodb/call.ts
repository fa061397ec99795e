import { type AwsRequest, inputOf, isJsonObject, operationOf } from '../aws-json.ts';

/** One DynamoDB request, for tests and benchmarks. */
export interface StoreCall {
  /** `GetItem`, `Query`, … */
  readonly operation: string;
  /** Names of its tables: one, or any number in batch operations. */
  readonly tables: readonly string[];
  /** The request's JSON. */
  readonly input: Readonly<Record<string, unknown>>;
}

export function storeCallOf(request: AwsRequest): StoreCall {
  const input = inputOf(request) ?? {};
  const tables = isJsonObject(input.RequestItems)
    ? Object.keys(input.RequestItems)
    : typeof input.TableName === 'string'
      ? [input.TableName]
      : [];
  return { operation: operationOf(request), tables, input };
}
