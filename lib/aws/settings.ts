import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

export interface AwsClientOptions {
  /** Default: the SDK's own search (AWS_REGION, profile). */
  readonly region?: string;
  /** Another endpoint than AWS's: a local service or an emulator. */
  readonly endpoint?: string;
  /** In place of HTTP: the embedded engine, or a wrapper that records or fails calls. */
  readonly requestHandler?: DynamoDBClientConfig['requestHandler'];
  /** Default: the SDK's credential chain. */
  readonly credentials?: DynamoDBClientConfig['credentials'];
}

/** What any emulator takes: it checks no signature. */
export const localCredentials = { accessKeyId: 'local', secretAccessKey: 'local' } as const;

/**
 * Timeouts far below a Lambda function's: DynamoDB and SQS answer in milliseconds, so a silent connection is dead and
 * a retry on another one is quicker than waiting. Keep-alive is the SDK's default.
 */
const timeouts = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true } as const;

/** Attempts altogether. */
const maxAttempts = 4;

/** `cacheMiddleware` alone saves a sixth of the CPU of a call. */
export function cheapSettings({ region, endpoint, requestHandler, credentials }: AwsClientOptions) {
  return {
    cacheMiddleware: true,
    maxAttempts,
    requestHandler: requestHandler ?? timeouts,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

/** Logging (no logger is set), the user agent and Lambda's recursion header: a fifth of the CPU of a call. */
export function removeCostlyMiddleware(stack: { remove(name: string): boolean }): void {
  for (const name of ['loggerMiddleware', 'getUserAgentMiddleware', 'recursionDetectionMiddleware']) {
    stack.remove(name);
  }
}
