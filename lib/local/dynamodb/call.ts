import { type AwsRequest, inputOf, isObject, operationOf } from '../aws-json.ts';

/** One call to the store, as tests and benches see it. */
export interface StoreCall {
  /** `GetItem`, `Query`, … */
  readonly operation: string;
  /** The tables it names: one, or for the batch operations any number. */
  readonly tables: readonly string[];
  /** The request's JSON. */
  readonly input: Readonly<Record<string, unknown>>;
}

export function callOf(request: AwsRequest): StoreCall {
  const input = inputOf(request) ?? {};
  const tables = isObject(input.RequestItems)
    ? Object.keys(input.RequestItems)
    : typeof input.TableName === 'string'
      ? [input.TableName]
      : [];
  return { operation: operationOf(request), tables, input };
}
