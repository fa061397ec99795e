import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  DynamoDBServiceException,
} from '@aws-sdk/client-dynamodb';
import { createDynamoClient } from '../aws/dynamodb.ts';
import { localCredentials } from '../aws/settings.ts';
import { type AwsResponse, jsonOf, type RequestHandler } from './aws-json.ts';

const target = 'DynamoDB_20120810';
/** Middleware that a call within the process does without: it keeps nothing but retries. */
const withoutHttp = [
  'serializerMiddleware',
  'deserializerMiddleware',
  'contentLengthMiddleware',
  'hostHeaderMiddleware',
  'httpAuthSchemeMiddleware',
  'httpSigningMiddleware',
] as const;

interface Call {
  readonly input: unknown;
}

/**
 * A client of the embedded DynamoDB, or of a wrapper of it. Commands and errors are those of the
 * SDK, and it tries again as the SDK does; but the input of a command is handed over as it is, and
 * only a call that has failed enters the SDK. Endpoint, headers, signature and JSON text took most
 * of the CPU of a call.
 */
export function createEmbeddedClient(handler: RequestHandler): DynamoDBClient {
  const client = createDynamoClient({ region: 'local', credentials: localCredentials });
  const retries = client.middlewareStack.clone();
  for (const name of withoutHttp) retries.remove(name);
  client.middlewareStack.add(
    (_next, context) => {
      const headers = { 'x-amz-target': `${target}.${context.commandName?.replace(/Command$/, '')}` };
      const call = async ({ input }: Call) => {
        const { response } = await handler.handle({ method: 'POST', headers, body: withBase64(input) });
        return { response, output: outputOf(response) };
      };
      // Errors of first attempts, which the SDK judges as if they were its own.
      const failed = new WeakMap<Call, unknown>();
      const again = (args: Call) => {
        if (!failed.has(args)) return call(args);
        const error = failed.get(args);
        failed.delete(args);
        return Promise.reject(error);
      };
      const retried = retries.resolve(
        again as unknown as Parameters<typeof retries.resolve>[0],
        context,
      ) as unknown as typeof call;
      const attempt = async (args: Call) => {
        try {
          return await call(args);
        } catch (error) {
          failed.set(args, error);
          return retried(args);
        }
      };
      return attempt as never;
    },
    { step: 'initialize', priority: 'high', name: 'embedded' },
  );
  return client;
}

/** A copy of the input as it is in JSON. */
function withBase64(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (Array.isArray(value)) return value.map(withBase64);
  const copy: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value))
    if (member !== undefined) copy[name] = withBase64(member);
  return copy;
}

/** @throws the error of the SDK for an error response. */
function outputOf(response: AwsResponse) {
  const json = jsonOf(response);
  const $metadata = { httpStatusCode: response.statusCode };
  if (response.statusCode === 200) return { ...(withBytes(json) as object), $metadata };
  const { __type = '', message = '', Message = message, Item } = json as Record<string, unknown>;
  const name = String(__type).replace(/^.*#/, '');
  const options = { name, message: String(Message), $metadata };
  if (name === 'ConditionalCheckFailedException')
    throw new ConditionalCheckFailedException({
      ...options,
      ...(Item === undefined ? {} : { Item: withBytes(Item) as never }),
    });
  throw new DynamoDBServiceException({ ...options, $fault: response.statusCode < 500 ? 'client' : 'server' });
}

/** The output with bytes in the place of base64. Rows are read afresh for each call, so no copy. */
function withBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const [name, member] of Object.entries(value)) {
    if (name === 'B' && typeof member === 'string')
      (value as Record<string, unknown>).B = new Uint8Array(Buffer.from(member, 'base64'));
    else if (name === 'BS' && Array.isArray(member) && typeof member[0] === 'string')
      (value as Record<string, unknown>).BS = member.map((one) => new Uint8Array(Buffer.from(one, 'base64')));
    else withBytes(member);
  }
  return value;
}
