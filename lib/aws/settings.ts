import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

export interface AwsClientOptions {
  /** Default: the SDK's own lookup (AWS_REGION, profile). */
  readonly region?: string;
  /** Endpoint of a local service or an emulator. Default: AWS. */
  readonly endpoint?: string;
  /** Replaces HTTP: the embedded engine, or a wrapper that records or fails calls. */
  readonly requestHandler?: DynamoDBClientConfig['requestHandler'];
  /** Calls that may be under way, without a `requestHandler`. Default: the SDK's 50. */
  readonly maxSockets?: number;
  /** Default: the SDK's credential chain. */
  readonly credentials?: DynamoDBClientConfig['credentials'];
  /** Default: Signature Version 4. */
  readonly signer?: DynamoDBClientConfig['signer'];
}

/** Credentials for emulators, which check no signature. */
export const localCredentials = { accessKeyId: 'local', secretAccessKey: 'local' } as const;

/**
 * Timeouts far below a Lambda function's. DynamoDB and SQS answer in milliseconds, so a silent
 * connection is dead and a retry on another one is faster than waiting. Keep-alive is the SDK's
 * default.
 */
const timeouts = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true } as const;

/** Attempts per call, the first included. */
const maxAttempts = 4;

/** Calls of an edge that may be under way: one process serves thousands of clients. */
export const edgeMaxSockets = 256;

/** Client settings that save CPU: `cacheMiddleware` alone a sixth of a call. */
export function cheapSettings(options: AwsClientOptions) {
  const { region, endpoint, requestHandler, maxSockets, credentials, signer } = options;
  return {
    cacheMiddleware: true,
    maxAttempts,
    requestHandler:
      requestHandler ?? (maxSockets === undefined ? timeouts : { ...timeouts, httpsAgent: { maxSockets } }),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(signer === undefined ? {} : { signer }),
  };
}

/**
 * Removes logging (no logger is set), the user agent and Lambda's recursion header: a fifth of the
 * CPU of a call.
 */
export function removeCostlyMiddleware(stack: { remove(name: string): boolean }): void {
  for (const name of ['loggerMiddleware', 'getUserAgentMiddleware', 'recursionDetectionMiddleware']) {
    stack.remove(name);
  }
}
