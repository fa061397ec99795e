import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { type AwsClientOptions, cheapSettings, removeCostlyMiddleware } from './settings.ts';

/**
 * A client for sending: a long poll would exceed its timeout of 3 s. Do not add middleware later:
 * the resolved stack is cached when a command is first used.
 */
export function createSqsClient(options: AwsClientOptions = {}): SQSClient {
  const config: SQSClientConfig = cheapSettings(options);
  const client = new SQSClient(config);
  removeCostlyMiddleware(client.middlewareStack);
  return client;
}
